import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { coverage } from './coverage.ts';
import { runMany } from './many.ts';
import { type FaultKind, faultKinds, type Outcome } from './outcome.ts';
import { runSchedule } from './schedule.ts';

const usage = `npm run simulate -- [options]
  --schedules N   how many stories (10000)
  --seed N|new    the first one's seed (1), the others follow it; new = one that was never used
  --threads N     default: one for each core
  --all           goes on after a story that broke an invariant, and names each
  --replay N      tells one story, step by step
  --rarity N      what is rare comes N times as often (1): finds more, and is no measure of a change
  --without A,B   leaves faults out of it: ${faultKinds.join(' ')}
`;

const { values } = parseArgs({
  options: {
    schedules: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    threads: { type: 'string', default: String(availableParallelism()) },
    replay: { type: 'string' },
    all: { type: 'boolean', default: false },
    rarity: { type: 'string', default: '1' },
    without: { type: 'string', default: '' },
    help: { type: 'boolean' },
  },
});

const rarity = Number(values.rarity);
const say = (text: string): void => void process.stdout.write(`${text}\n`);
// Who reads only the first lines has closed the pipe.
process.stdout.on('error', () => process.exit(1));

/** What the violation does not need is left out, as long as it stays. */
async function smallest(first: Outcome): Promise<{ readonly without: ReadonlySet<FaultKind>; readonly outcome: Outcome }> {
  let without = new Set<FaultKind>();
  let outcome = first;
  for (const kind of faultKinds) {
    const fewer = new Set([...without, kind]);
    const again = await runSchedule({ seed: first.seed, rarity, without: fewer });
    if (again.violation?.name === first.violation?.name) {
      without = fewer;
      outcome = again;
    }
  }
  return { without, outcome };
}

async function explain(seed: number): Promise<void> {
  const { without, outcome } = await smallest(await runSchedule({ seed, rarity }));
  const left = [...without].join(',');
  await runSchedule({ seed, rarity, without, onStep: say });
  say(`\nViolated: ${outcome.violation?.name}: ${outcome.violation?.text}`);
  say(`Seed ${seed}, ${outcome.steps} steps${left === '' ? '' : `, without ${left}`}.`);
  say(`Again: npm run simulate -- --replay ${seed}${rarity === 1 ? '' : ` --rarity ${rarity}`}${left === '' ? '' : ` --without ${left}`}`);
}

async function simulate(count: number, seed: number, threads: number): Promise<boolean> {
  const from = performance.now();
  const seconds = (): number => (performance.now() - from) / 1000;
  const onProgress = (done: number): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${count}, ${Math.round(done / seconds())} a second `);
  };
  const onViolated = (broken: number): void => {
    if (values.all) say(`seed ${broken} broke an invariant`);
  };
  const { violated, tally } = await runMany(count, seed, { threads, isAll: values.all, rarity, onProgress, onViolated });
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  const [first] = violated;
  if (first !== undefined) {
    await explain(first);
    if (values.all) say(`${violated.length} of ${count} broke an invariant: ${violated.join(' ')}`);
    return false;
  }
  say(`${count} schedules from seed ${seed}, no violation, ${seconds().toFixed(1)} s on ${threads} threads (${Math.round(count / seconds())} a second)`);
  for (const line of tally.lines(coverage.cells)) say(line);
  return true;
}

if (values.help) say(usage);
else if (values.replay !== undefined) {
  const without = new Set(faultKinds.filter((kind) => values.without.split(',').includes(kind)));
  const { violation } = await runSchedule({ seed: Number(values.replay), rarity, without, onStep: say });
  say(violation === null ? 'All held.' : `Violated: ${violation.name}: ${violation.text}`);
  process.exitCode = violation === null ? 0 : 1;
} else {
  const seed = values.seed === 'new' ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
  process.exitCode = (await simulate(Number(values.schedules), seed, Number(values.threads))) ? 0 : 1;
}
