import type { Cell, Row } from '../../src/supervise/cell.ts';
import type { Life, LifeEvent, Move, Scene } from '../../src/supervise/life.ts';
import { table } from '../../src/supervise/transition.ts';
import { observedWrongly } from './observed.ts';
import { mistaken } from './wished.ts';

type MutableTable = Record<string, Record<string, Cell>>;

/**
 * Which cells of the table stories came through, and what each decided. The cells are wrapped where they stand, once for the process; what is wrong with
 * a decision is kept for the story to find.
 */
class Coverage {
  /** By `event phase`. */
  readonly visits = new Map<string, number>();
  readonly cells: readonly string[];
  #impossible: string | null = null;
  #wrong: string | null = null;

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
          const move = typeof cell === 'function' ? cell(life, happened, scene) : stay(life);
          this.#judge(name, happened, life, scene, move);
          return move;
        };
      }
    this.cells = cells;
  }

  takeImpossible(): string | null {
    const found = this.#impossible;
    this.#impossible = null;
    return found;
  }

  /** What was decided otherwise than it must be since this was asked last. */
  takeWrong(): string | null {
    const found = this.#wrong;
    this.#wrong = null;
    return found;
  }

  #judge(name: string, event: LifeEvent, before: Life, scene: Scene, move: Move): void {
    if (this.#wrong !== null) return;
    const text = twice(move) ?? mistaken(event, before, scene, move) ?? observedWrongly(event, before, scene, move);
    if (text !== null) this.#wrong = `${name}: ${text}`;
  }
}

function twice({ effects }: Move): string | null {
  const repeated = effects.find((effect, index) => effects.findIndex((one) => one.do === effect.do) !== index);
  return repeated === undefined ? null : `it is to ${repeated.do} twice`;
}

export const coverage = new Coverage();
