import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Mutation, mutationsOf } from './mutation.ts';

// Changes supervision in one place after another, and sees whether the simulator notices: `npm run mutate -- [--schedules N] [--every K] [--from I]`.

const files = [
  ...['calls', 'crew', 'dependencies', 'effects', 'gate', 'instances', 'moves', 'observations', 'record', 'restart', 'saver', 'supervisor'].map(
    (name) => `src/supervise/${name}.ts`,
  ),
  ...['timers', 'transition', 'wishes'].map((name) => `src/supervise/${name}.ts`),
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
    schedules: { type: 'string', default: '2000' },
    every: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    jobs: { type: 'string', default: String(availableParallelism()) },
  },
});
const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** What became of one: the invariant that broke, or `null` where nothing did. A story that hangs or throws is noticed as well. */
async function verdictOn(mutation: Mutation, schedules: number): Promise<string | null> {
  const simulator = `${core}test/simulator/`;
  const args = ['--conditions=@ostler/source', '--import', `${simulator}mutants/load.ts`, `${simulator}main.ts`];
  const child = spawn(process.execPath, [...args, '--schedules', String(schedules), '--threads', '1'], {
    env: { ...process.env, MUTANT: JSON.stringify(mutation) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (out = (out + chunk.toString()).slice(-20_000)));
  // A story takes some ms; one that goes round for ever is told apart by this.
  const limit = setTimeout(() => child.kill('SIGKILL'), 60_000 + schedules * 30);
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => child.on('close', (...how) => resolve(how)));
  clearTimeout(limit);
  if (code === 0) return null;
  if (signal !== null) return 'it never came to an end';
  return /Violated: ([^:]*)/.exec(out)?.[1] ?? `it threw: ${/^\w*Error: .*$/m.exec(out)?.[0] ?? `code ${code}`}`;
}

const everyOne = files.flatMap((file) => mutationsOf(file, readFileSync(core + file, 'utf8')));
const chosen = everyOne.filter((_, index) => index % Number(values.every) === Number(values.from));
say(`${chosen.length} of ${everyOne.length} mutations, ${values.schedules} schedules for each`);
const survivors: Mutation[] = [];
const by = new Map<string, number>();
const waiting = [...chosen];
let done = 0;
await Promise.all(
  Array.from({ length: Number(values.jobs) }, async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const verdict = await verdictOn(next, Number(values.schedules));
      done += 1;
      if (verdict === null) {
        survivors.push(next);
        say(`survived (${survivors.length} of ${done}): ${next.file}:${next.line} ${next.operator}: ${next.was}`);
      } else by.set(verdict, (by.get(verdict) ?? 0) + 1);
    }
  }),
);
say(`\n${survivors.length} of ${done} survived (${((survivors.length / done) * 100).toFixed(1)} %).`);
for (const [name, times] of [...by].sort((a, b) => b[1] - a[1])) say(`  ${String(times).padStart(5)} ${name}`);
