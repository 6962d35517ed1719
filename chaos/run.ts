// Faults on real processes, watched from outside: `npm run chaos`, see README.md.
import { parseArgs } from 'node:util';
import { buildHolder } from '../scripts/build-holder.mjs';
import { build } from '../scripts/install.mjs';
import { runChaos } from './chaos.ts';
import { closeSite, openSite } from './site.ts';
import { report } from './table.ts';

const usage = `npm run chaos -- [options]
  --minutes N   how long faults go on (5)
  --seed N      which ones, on whom, and when (of the clock)
  --workers N   how many there are (50)
  --keep        leave the run's files where they are
  --no-build    take the build that is there
`;

function options(): { readonly minutes: number; readonly seed: number; readonly workers: number; readonly keep: boolean; readonly build: boolean } {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '5' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      workers: { type: 'string', default: '50' },
      keep: { type: 'boolean', default: false },
      build: { type: 'boolean', default: true },
    },
    allowNegative: true,
  });
  const [minutes, seed, workers] = [values.minutes, values.seed, values.workers].map(Number) as [number, number, number];
  if (!(minutes > 0)) throw new Error(`--minutes ${values.minutes} is no time`);
  if (!Number.isSafeInteger(seed) || seed < 0) throw new Error(`--seed ${values.seed} is no whole number`);
  if (!Number.isSafeInteger(workers) || workers < 10 || workers > 500) throw new Error(`--workers ${values.workers} is not from 10 to 500`);
  return { minutes, seed, workers, keep: values.keep, build: values.build };
}

function chosen(): ReturnType<typeof options> {
  try {
    return options();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n${usage}`);
    process.exit(2);
  }
}

const { minutes, seed, workers, keep, build: isBuilt } = chosen();
if (process.platform !== 'linux') {
  process.stderr.write('the chaos run reads /proc and runs on Linux only\n');
  process.exit(1);
}
if (isBuilt) {
  buildHolder();
  build('ostler...');
}
const site = openSite();
// However this ends, everything that was started is ended first.
process.on('exit', () => {
  closeSite(site, keep);
  if (keep) process.stderr.write(`the run's files are in ${site.dir}\n`);
});
for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
  ['SIGHUP', 1],
] as const)
  process.on(signal, () => process.exit(128 + number));

process.stdout.write(`seed ${seed}: ${workers} workers, ${minutes} min of faults\n`);
const progress = (text: string): void => void process.stderr.write(`${new Date().toTimeString().slice(0, 8)} ${text}\n`);
const outcome = await runChaos({ seed, workers, ms: minutes * 60_000, site, progress });
process.stdout.write(report(outcome, `npm run chaos -- --minutes ${minutes} --seed ${seed} --workers ${workers}`));
process.exit(outcome.violations.length === 0 ? 0 : 1);
