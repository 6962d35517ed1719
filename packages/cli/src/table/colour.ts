const codes = { red: '31', green: '32', yellow: '33', blue: '34', magenta: '35', cyan: '36', dim: '2', bold: '1' } as const;
export type Colour = keyof typeof codes;
export type Paint = (text: string, colour: Colour) => string;

const plain: Paint = (text) => text;
const painted: Paint = (text, colour) => `\u001b[${codes[colour]}m${text}\u001b[0m`;

/** Colour only on a terminal that has some, and not with NO_COLOR. */
export function paintFor(stream: { readonly isTTY?: boolean | undefined }, env: Readonly<Record<string, string | undefined>> = process.env): Paint {
  const isColoured = stream.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  return isColoured ? painted : plain;
}

const wheel: readonly Colour[] = ['cyan', 'yellow', 'green', 'magenta', 'blue'];

/** The colour of the n-th worker of several. */
export const colourAt = (index: number): Colour => wheel[index % wheel.length]!;
