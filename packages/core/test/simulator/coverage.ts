import type { Cell, Row } from '../../src/supervise/cell.ts';
import type { Life } from '../../src/supervise/life.ts';
import { table } from '../../src/supervise/transition.ts';

type MutableTable = Record<string, Record<string, Cell>>;

/**
 * Which cells of the table stories came through. The cells are wrapped where they stand, once for the process; an `impossible` one that is reached is
 * kept for the story to find.
 */
class Coverage {
  /** By `event phase`. */
  readonly visits = new Map<string, number>();
  readonly cells: readonly string[];
  #impossible: string | null = null;

  constructor() {
    const cells: string[] = [];
    const stay = (life: Life) => ({ life, effects: [], facts: [] });
    for (const [event, row] of Object.entries(table as unknown as Record<string, Row>))
      for (const [phase, cell] of Object.entries(row)) {
        const name = `${event} ${phase}`;
        if (cell !== 'impossible') cells.push(name);
        (table as unknown as MutableTable)[event]![phase] = (life, happened, scene) => {
          if (cell === 'impossible') this.#impossible ??= name;
          else this.visits.set(name, (this.visits.get(name) ?? 0) + 1);
          return typeof cell === 'function' ? cell(life, happened, scene) : stay(life);
        };
      }
    this.cells = cells;
  }

  takeImpossible(): string | null {
    const found = this.#impossible;
    this.#impossible = null;
    return found;
  }
}

export const coverage = new Coverage();
