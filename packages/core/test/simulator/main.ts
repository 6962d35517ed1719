import { parseArgs } from 'node:util';
import { type FaultKind, faultKinds, type Outcome } from './outcome.ts';
import { runSchedule } from './schedule.ts';

const usage = `npm run simulate -- [options]
  --schedules N   how many stories (10000)
  --seed N        the first one's seed (1); the others follow it
  --replay N      tells one story, step by step
  --without A,B   leaves faults out of it: ${faultKinds.join(' ')}
`;

const { values } = parseArgs({
  options: {
    schedules: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    replay: { type: 'string' },
    without: { type: 'string', default: '' },
    help: { type: 'boolean' },
  },
});

const say = (text: string): void => void process.stdout.write(`${text}\n`);
// Who reads only the first lines has closed the pipe.
process.stdout.on('error', () => process.exit(1));

/** What the violation does not need is left out, as long as it stays. */
async function smallest(first: Outcome): Promise<{ readonly without: ReadonlySet<FaultKind>; readonly outcome: Outcome }> {
  let without = new Set<FaultKind>();
  let outcome = first;
  for (const kind of faultKinds) {
    const fewer = new Set([...without, kind]);
    const again = await runSchedule({ seed: first.seed, without: fewer });
    if (again.violation?.name === first.violation?.name) {
      without = fewer;
      outcome = again;
    }
  }
  return { without, outcome };
}

async function tell(seed: number, without?: ReadonlySet<FaultKind>): Promise<Outcome> {
  return runSchedule({ seed, ...(without === undefined ? {} : { without }), onStep: say });
}

const quantile = (sorted: readonly number[], part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;

async function simulate(count: number, seed: number): Promise<boolean> {
  const from = performance.now();
  const steps: number[] = [];
  const faults = new Map<FaultKind, number>();
  let twoDeaths = 0;
  let replaced = 0;
  for (let index = 0; index < count; index++) {
    const outcome = await runSchedule({ seed: seed + index });
    if (outcome.violation !== null) {
      const { without, outcome: small } = await smallest(outcome);
      await tell(outcome.seed, without);
      say(`\nViolated: ${small.violation?.name}: ${small.violation?.text}`);
      say(
        `Seed ${outcome.seed}, ${small.steps} steps${without.size === 0 ? '' : `, without ${[...without].join(', ')}`}. Again: npm run simulate -- --replay ${outcome.seed} --without ${[...without].join(',')}`,
      );
      return false;
    }
    steps.push(outcome.steps);
    for (const [kind, times] of outcome.faults) faults.set(kind, (faults.get(kind) ?? 0) + times);
    if ((outcome.faults.get('death') ?? 0) + (outcome.faults.get('reboot') ?? 0) >= 2) twoDeaths += 1;
    if (outcome.faults.has('replace')) replaced += 1;
  }
  const seconds = (performance.now() - from) / 1000;
  steps.sort((a, b) => a - b);
  const percent = (part: number): string => `${Math.round((part / count) * 100)} %`;
  say(`${count} schedules from seed ${seed}, no violation, ${seconds.toFixed(1)} s (${Math.round(count / seconds)} a second)`);
  say(`steps: median ${quantile(steps, 0.5)}, 5 % ${quantile(steps, 0.05)}, 95 % ${quantile(steps, 0.95)}`);
  say(`two deaths of the agent or more: ${percent(twoDeaths)}; an engine with another store: ${percent(replaced)}`);
  say(`faults: ${[...faults].map(([kind, times]) => `${kind} ${times}`).join(', ')}`);
  return true;
}

if (values.help) say(usage);
else if (values.replay !== undefined) {
  const without = new Set(faultKinds.filter((kind) => values.without.split(',').includes(kind)));
  const { violation } = await tell(Number(values.replay), without);
  say(violation === null ? 'All held.' : `Violated: ${violation.name}: ${violation.text}`);
  process.exitCode = violation === null ? 0 : 1;
} else process.exitCode = (await simulate(Number(values.schedules), Number(values.seed))) ? 0 : 1;
