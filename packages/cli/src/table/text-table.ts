import type { Colour, Paint } from './colour.ts';
import { cut, padded, printable, widthOf } from './fit.ts';

export interface Cell {
  readonly text: string;
  readonly colour?: Colour | undefined;
}

export interface Column {
  readonly title: string;
  /** Cut to what is left of the width; the last column only. */
  readonly isElastic?: boolean | undefined;
  /** Left out first (1) when there is little room; absent: never. */
  readonly gives?: number | undefined;
}

const gap = '  ';
/** An elastic column narrower than this says nothing: another one has to give. */
const leastElastic = 16;

/** Columns in line, a line each row, the titles first. `width`: columns of the terminal, `null` = as wide as it gets. */
export function textTable(columns: readonly Column[], rows: readonly (readonly Cell[])[], width: number | null, paint: Paint): string[] {
  const texts = rows.map((row) => row.map(({ text }) => printable(text)));
  const widths = columns.map((column, i) => Math.max(widthOf(column.title), ...texts.map((row) => widthOf(row[i]!))));
  const shown = shownColumns(columns, widths, width);
  const line = (cells: readonly string[], colours: readonly (Colour | undefined)[]): string => {
    let left = width ?? Number.POSITIVE_INFINITY;
    const parts: string[] = [];
    shown.forEach((column, at) => {
      if (left <= 0) return;
      const isLast = at === shown.length - 1;
      const text = cut(cells[column]!, left);
      const cell = isLast ? text : padded(text, Math.min(widths[column]!, left));
      const colour = colours[column];
      parts.push(colour === undefined || text === '' ? cell : cell.replace(text, () => paint(text, colour)));
      left -= widthOf(cell) + gap.length;
    });
    return parts.join(gap).trimEnd();
  };
  const titles = columns.map(({ title }) => title);
  return [
    line(
      titles,
      titles.map(() => 'dim'),
    ),
    ...texts.map((cells, i) =>
      line(
        cells,
        rows[i]!.map(({ colour }) => colour),
      ),
    ),
  ];
}

function shownColumns(columns: readonly Column[], widths: readonly number[], width: number | null): number[] {
  const shown = columns.map((_, i) => i);
  if (width === null) return shown;
  const needed = (): number =>
    shown.reduce((sum, i) => sum + gap.length + (columns[i]!.isElastic ? Math.min(widths[i]!, leastElastic) : widths[i]!), -gap.length);
  const givers = shown.filter((i) => columns[i]!.gives !== undefined).sort((a, b) => columns[a]!.gives! - columns[b]!.gives!);
  for (const giver of givers) {
    if (needed() <= width) break;
    shown.splice(shown.indexOf(giver), 1);
  }
  return shown;
}
