import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { explanationOf } from './explained.ts';
import { type Mutation, mutationsOf } from './mutation.ts';

// Changes supervision in one place after another, and sees whether the simulator notices:
// `npm run mutate -- [--schedules N,MORE] [--every K] [--from I] [--at gate:56,moves]`. What survives N stories is told MORE, from another seed on.

const files = [
  ...['calls', 'crew', 'dependencies', 'effects', 'gate', 'instances', 'moves', 'observations', 'record', 'restart', 'saver', 'supervisor'].map(
    (name) => `src/supervise/${name}.ts`,
  ),
  ...[
    'calendar',
    'called-off',
    'down',
    'forgetting',
    'preparation-failure',
    'removals',
    'renewal',
    'runs',
    'sight',
    'stop-pace',
    'stop-rule',
    'timers',
    'transition',
    'wishes',
  ].map((name) => `src/supervise/${name}.ts`),
  ...[
    'src/reconcile/reconciler.ts',
    'src/plan/plan.ts',
    'src/journal/journal.ts',
    'src/store/tables.ts',
    'src/store/columns.ts',
    'src/boot.ts',
    'src/runtimes.ts',
  ],
];
const core = fileURLToPath(new URL('../../../', import.meta.url));
const { values } = parseArgs({
  options: {
    schedules: { type: 'string', default: '500,5000' },
    every: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    at: { type: 'string', default: '' },
    jobs: { type: 'string', default: String(availableParallelism()) },
  },
});
const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** What became of one: the invariant that broke, or `null` where nothing did. A story that hangs or throws is noticed as well. */
async function verdictOn(mutation: Mutation, schedules: number, seed: number): Promise<string | null> {
  const simulator = `${core}test/simulator/`;
  const args = ['--max-old-space-size=1500', '--conditions=@ostler/source', '--import', `${simulator}mutants/load.ts`, `${simulator}main.ts`];
  const child = spawn(process.execPath, [...args, '--schedules', String(schedules), '--seed', String(seed), '--threads', '1'], {
    env: { ...process.env, MUTANT: JSON.stringify(mutation) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (out = (out + chunk.toString()).slice(-20_000)));
  // A story takes some ms; one that goes round for ever is told apart by this.
  const limit = setTimeout(() => child.kill('SIGKILL'), 30_000 + schedules * 30);
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => child.on('close', (...how) => resolve(how)));
  clearTimeout(limit);
  if (code === 0) return null;
  if (signal !== null) return 'it never came to an end';
  return /Violated: ([^:]*)/.exec(out)?.[1] ?? `it threw: ${/^\w*Error: .*$/m.exec(out)?.[0] ?? `code ${code}`}`;
}

const everyOne = files.flatMap((file) => mutationsOf(file, readFileSync(core + file, 'utf8')));
/** Files and lines that were asked for; none = all. */
const at = values.at.split(',').filter((one) => one !== '');
const isAsked = ({ file, line }: Mutation): boolean => {
  const name = basename(file, '.ts');
  return at.length === 0 || at.includes(name) || at.includes(`${name}:${line}`);
};
const chosen = everyOne.filter(isAsked).filter((_, index) => index % Number(values.every) === Number(values.from));
const by = new Map<string, number>();

/** Those that no invariant noticed. */
async function survivorsOf(those: readonly Mutation[], schedules: number, seed: number): Promise<readonly Mutation[]> {
  say(`${those.length} of ${everyOne.length} mutations, ${schedules} schedules for each`);
  const survivors: Mutation[] = [];
  const waiting = [...those];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const verdict = await verdictOn(next, schedules, seed);
      if (verdict !== null) {
        by.set(verdict, (by.get(verdict) ?? 0) + 1);
        continue;
      }
      survivors.push(next);
      say(`survived (${survivors.length} of ${those.length - waiting.length}): ${next.file}:${next.line} ${next.operator}: ${next.was}`);
    }
  };
  await Promise.all(Array.from({ length: Number(values.jobs) }, work));
  return survivors;
}

let left: readonly Mutation[] = chosen;
/** They are told no more: it is known why no story notices them. */
const explained: Mutation[] = [];
let seed = 1;
for (const schedules of values.schedules.split(',').map(Number)) {
  const survivors = await survivorsOf(left, schedules, seed);
  explained.push(...survivors.filter((mutation) => explanationOf(mutation) !== null));
  left = survivors.filter((mutation) => explanationOf(mutation) === null);
  seed += schedules;
}
left = [...explained, ...left];
say(`\n${left.length} of ${chosen.length} survived (${((left.length / chosen.length) * 100).toFixed(1)} %), ${explained.length} of them explained:`);
for (const mutation of left)
  say(`  ${mutation.file}:${mutation.line} ${mutation.operator}: ${mutation.was}\n    ${explanationOf(mutation) ?? 'should have been noticed'}`);
say('noticed by:');
for (const [name, times] of [...by].sort((a, b) => b[1] - a[1])) say(`  ${String(times).padStart(5)} ${name}`);
