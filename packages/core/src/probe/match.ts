/** As much of a line is looked at; what is longer is passed over up to its end. */
export const maxLineBytes = 4096;

/** The line that has not ended yet. */
export interface Rest {
  readonly bytes: Uint8Array;
  /** Its beginning is kept, what comes until its end is passed over. */
  readonly isFull: boolean;
}
export const noRest: Rest = { bytes: new Uint8Array(0), isFull: false };

export interface MatchQuestion {
  readonly pattern: string;
  readonly rest: Rest;
  /** What was printed after the rest. */
  readonly bytes: Uint8Array;
}
export interface MatchAnswer {
  readonly isFound: boolean;
  readonly rest: Rest;
}

const newline = 10;
/** Colours and the like, as terminals know them. */
const escapes = /\u001b\[[0-?]*[ -/]*[@-~]/g;

/**
 * Looks for a line that matches. Lines are bytes up to a newline, read as UTF-8 as far as they are that, without a carriage return at the end and
 * without colours; the one that has not ended is looked at as it stands.
 */
export function find({ pattern, rest, bytes }: MatchQuestion): MatchAnswer {
  const expression = new RegExp(pattern);
  const matches = (line: Uint8Array): boolean => expression.test(textOf(line));
  let { isFull } = rest;
  let kept: Uint8Array = rest.bytes;
  for (let from = 0; from < bytes.length; ) {
    const newlineAt = bytes.indexOf(newline, from);
    const end = newlineAt < 0 ? bytes.length : newlineAt;
    if (!isFull) {
      const part = bytes.subarray(from, Math.min(end, from + maxLineBytes - kept.length));
      kept = kept.length === 0 ? part : joined(kept, part);
      isFull = kept.length >= maxLineBytes;
      if (newlineAt >= 0 && matches(kept)) return { isFound: true, rest: noRest };
    } else if (newlineAt >= 0 && matches(kept)) return { isFound: true, rest: noRest };
    if (newlineAt < 0) break;
    kept = noRest.bytes;
    isFull = false;
    from = newlineAt + 1;
  }
  return { isFound: kept.length > 0 && matches(kept), rest: { bytes: Uint8Array.from(kept), isFull } };
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

const decoder = new TextDecoder();
const textOf = (line: Uint8Array): string => decoder.decode(line).replace(/\r+$/, '').replace(escapes, '');
