/** A variable within a text. */
export interface Filled {
  /** As the host file writes it: `${NAME:-default}`. */
  readonly kept: string;
  /** What stands there now. */
  readonly now: string;
  readonly uses: readonly Use[];
}
export interface Use {
  readonly name: string;
  /** Without anything that steps in when it is not set. */
  readonly isBare: boolean;
}
export type Piece = string | Filled;

/** A text of a Compose file with its variables: what it is now, and how a host file writes it so that they stay variables. */
export class Text {
  readonly pieces: readonly Piece[];

  constructor(pieces: readonly Piece[]) {
    this.pieces = pieces.filter((piece) => piece !== '');
  }

  static of(text: string): Text {
    return new Text([text]);
  }

  /** With the variables as they are now. */
  get now(): string {
    return this.pieces.map((piece) => (typeof piece === 'string' ? piece : piece.now)).join('');
  }

  /** In the form of a host file, where `$` is written `$$`. */
  get kept(): string {
    return this.pieces.map((piece) => (typeof piece === 'string' ? piece.replaceAll('$', '$$$$') : piece.kept)).join('');
  }

  get uses(): readonly Use[] {
    return this.pieces.flatMap((piece) => (typeof piece === 'string' ? [] : piece.uses));
  }

  /** Variables in it of which nothing comes. */
  get unset(): readonly string[] {
    return this.pieces.flatMap((piece) => (typeof piece !== 'string' && piece.now === '' ? piece.uses.slice(0, 1).map(({ name }) => name) : []));
  }

  /** Nothing in it is a variable. */
  get isPlain(): boolean {
    return this.pieces.every((piece) => typeof piece === 'string');
  }

  /** Without white space around it. */
  get trimmed(): Text {
    const last = this.pieces.length - 1;
    return new Text(
      this.pieces.map((piece, index) => {
        if (typeof piece !== 'string') return piece;
        const begun = index === 0 ? piece.trimStart() : piece;
        return index === last ? begun.trimEnd() : begun;
      }),
    );
  }

  before(text: string): Text {
    return new Text([text, ...this.pieces]);
  }

  /** The text before the first `separator` that is written out and the text after it; `null` after = there is none. */
  cut(separator: string): readonly [Text, Text | null] {
    for (const [index, piece] of this.pieces.entries()) {
      const at = typeof piece === 'string' ? piece.indexOf(separator) : -1;
      if (typeof piece !== 'string' || at < 0) continue;
      const before = new Text([...this.pieces.slice(0, index), piece.slice(0, at)]);
      return [before, new Text([piece.slice(at + separator.length), ...this.pieces.slice(index + 1)])];
    }
    return [this, null];
  }

  split(separator: string): readonly Text[] {
    const [first, rest] = this.cut(separator);
    return rest === null ? [first] : [first, ...rest.split(separator)];
  }

  /** These parts of what it is now, with their variables where the text divides alike; else as they are now. */
  dividedInto(parts: readonly string[], separator: string): readonly Text[] {
    const own = this.split(separator);
    const isAlike = own.length === parts.length && own.every((part, index) => part.now === parts[index]);
    return isAlike ? own : parts.map((part) => Text.of(part));
  }
}
