import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import type { RowName } from './peers/peer.ts';

export interface Options {
  readonly rows: readonly RowName[];
  /** Names of peers; `null` = all. */
  readonly only: readonly string[] | null;
  readonly sizes: readonly number[];
  readonly largest: number;
  /** How often a start of so many workers is repeated. */
  repeats(n: number): number;
  readonly kills: number;
  readonly idleMs: number;
  readonly lines: number;
  readonly floods: number;
  /** Below which the runs take place. */
  readonly dir: string;
  readonly keep: boolean;
  readonly build: boolean;
  readonly out: string | null;
}

const allRows: readonly RowName[] = ['start', 'crash', 'at-once', 'memory', 'idle', 'log', 'recovery', 'apply', 'ps', 'probes', 'load'];

export const usage = `npm run bench -- [options]
  --quick            few repeats, 1 and 100 workers, 1 M lines
  --only A,B         only these: ostler pm2 supervisord runit s6 systemd floor
  --rows A,B         only these: ${allRows.join(' ')}
  --sizes 1,100      other numbers of workers
  --repeats N        so many of each start, for any number of workers
  --dir DIR          where the runs take place (a disk, not tmpfs); the system's temporary folder if nothing is said
  --out FILE         where the JSON goes; bench/results/<date>.json if nothing is said
  --keep             leave the runs' files there
  --no-build         take the build that is there
`;

/** Throws with a plain sentence for what it does not understand. */
export function optionsOf(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      rows: { type: 'string' },
      sizes: { type: 'string' },
      repeats: { type: 'string' },
      dir: { type: 'string', default: tmpdir() },
      out: { type: 'string' },
      keep: { type: 'boolean', default: false },
      build: { type: 'boolean', default: true },
    },
    allowNegative: true,
  });
  const { quick } = values;
  const rows = values.rows === undefined ? allRows : list(values.rows).map(row);
  const sizes = (values.sizes === undefined ? (quick ? ['1', '100'] : ['1', '100', '1000']) : list(values.sizes)).map(count).sort((a, b) => a - b);
  const fixed = values.repeats === undefined ? null : count(values.repeats);
  return {
    rows,
    only: values.only === undefined ? null : list(values.only),
    sizes,
    largest: Math.max(...sizes),
    repeats: (n) => fixed ?? (quick ? (n === 1 ? 5 : 3) : n === 1 ? 15 : n <= 100 ? 7 : 5),
    kills: quick ? 30 : 80,
    idleMs: quick ? 10_000 : 30_000,
    lines: quick ? 1_000_000 : 10_000_000,
    floods: fixed ?? (quick ? 2 : 3),
    dir: values.dir,
    keep: values.keep,
    build: values.build,
    out: values.out ?? null,
  };
}

const list = (text: string): readonly string[] => text.split(',').map((one) => one.trim());

function row(text: string): RowName {
  const found = allRows.find((one) => one === text);
  if (found === undefined) throw new Error(`there is no row "${text}": ${allRows.join(' ')}`);
  return found;
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`"${text}" is no number of workers or repeats`);
  return value;
}
