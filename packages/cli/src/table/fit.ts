/** One column each, wherever they stand: Latin, Greek, Cyrillic, and the punctuation of these. */
const plain = /^[\u0020-\u007e\u00a0-\u00ac\u00ae-\u02ff\u0370-\u0482\u048a-\u058f\u2010-\u2027]*$/;
let measured: ((text: string) => number) | null = null;

/**
 * To be awaited before {@link widthOf} is asked about text like this (absent: about any). What measures wide and combining characters costs a
 * third of the time that a client verb takes, so it is loaded only where such characters are.
 */
export async function readyToMeasure(text?: string): Promise<void> {
  if (text === undefined || !plain.test(printable(text))) measured ??= (await import('string-width')).default;
}

/** Text that comes from elsewhere on one line, without anything that would move the cursor. */
export const printable = (text: string): string => text.replace(/\u001b\[[0-9;?]*[ -/]*[@-~]/g, '').replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ');

/** Columns that plain text takes. */
export const widthOf = (text: string): number => (measured === null || plain.test(text) ? text.length : measured(text));

export const padded = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - widthOf(text)));

/** At most `width` columns, the end cut off with `…`. Plain text only. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  if (width <= 0) return '';
  const segments = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  let kept = '';
  let used = 1;
  for (const { segment } of segments.segment(text)) {
    used += widthOf(segment);
    if (used > width) break;
    kept += segment;
  }
  return `${kept}…`;
}
