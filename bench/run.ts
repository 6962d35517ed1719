// The same work for ostler, for other supervisors and for floors, in one run: `npm run bench`, see README.md.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildHolder } from '../scripts/build-holder.mjs';
import { build } from '../scripts/install.mjs';
import type { Bench } from './bench.ts';
import { machine, spread } from './machine.ts';
import { type Options, optionsOf, usage } from './options.ts';
import { compile, workerSource } from './peers/floors.ts';
import { peers } from './peers/index.ts';
import type { Peer, RowName } from './peers/peer.ts';
import { atOnce, crash } from './rows/crash.ts';
import { held } from './rows/held.ts';
import { load } from './rows/load.ts';
import { log } from './rows/log.ts';
import { probes } from './rows/probes.ts';
import { recovery } from './rows/recovery.ts';
import { start } from './rows/start.ts';
import { warmUp } from './rows/warm-up.ts';
import { Results } from './series.ts';
import { Sites } from './site.ts';
import { sweepAll } from './sweep.ts';
import { table } from './table.ts';

/** `held` measures four rows with one start. */
const works: readonly { readonly rows: readonly RowName[]; run(bench: Bench): Promise<void> }[] = [
  { rows: ['start'], run: start },
  { rows: ['crash'], run: crash },
  { rows: ['at-once'], run: atOnce },
  { rows: ['recovery'], run: recovery },
  { rows: ['log'], run: log },
  { rows: ['memory', 'idle', 'apply', 'ps'], run: held },
  { rows: ['probes'], run: probes },
  { rows: ['load'], run: load },
];

function options(): Options {
  try {
    return optionsOf(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n${usage}`);
    process.exit(2);
  }
}

const chosen = options();
if (process.platform !== 'linux') {
  process.stderr.write('the bench reads /proc and runs on Linux only\n');
  process.exit(1);
}
const base = mkdtempSync(join(realpathSync(chosen.dir), 'ostler-bench-'));
spread(base);

/** Everything that still runs is ended, and only then its files are taken away. */
function leave(): void {
  sweepAll();
  if (chosen.keep) process.stderr.write(`the runs are in ${base}\n`);
  else rmSync(base, { recursive: true, force: true });
}
process.on('exit', leave);
for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
  ['SIGHUP', 1],
] as const)
  process.on(signal, () => process.exit(128 + number));

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const progress = (text: string): void => void process.stderr.write(`${new Date().toTimeString().slice(0, 8)} ${text}\n`);

const asked = peers(base).filter(({ name }) => chosen.only === null || chosen.only.some((one) => name === one || name.startsWith(`${one}:`)));
if (chosen.build && asked.some(({ name }) => name === 'ostler')) {
  buildHolder();
  build('ostler...');
}
const here: Peer[] = [];
for (const peer of asked) {
  const missing = peer.missing();
  if (missing === null) here.push(peer);
  else say(`left out: ${peer.name}: ${missing}`);
}

const worker = join(base, 'worker');
compile(workerSource, worker);
const results = new Results();
const bench: Bench = {
  options: chosen,
  sites: new Sites(base, worker),
  results,
  contenders: (row) => here.filter(({ rows }) => chosen.rows.includes(row) && rows.includes(row)),
  progress,
};
const on = machine(base, here);
const began = new Date();
say(`${on.cores} cores, ${on.cpu}, ${on.memoryGiB} GiB, Linux ${on.kernel}, Node ${on.node}, ${on.filesystem}, load ${on.load}`);
say(
  Object.entries(on.versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(' · '),
);

let isReported = false;
/** Prints what has been measured, also when the run ends early. */
function report(isWhole: boolean): void {
  if (isReported) return;
  isReported = true;
  say(`\nmedian [min..max], and how many times ostler's; load: the average of the last minute before a value\n\n${table(results)}`);
  const file = chosen.out ?? fileURLToPath(new URL(`./results/${began.toISOString().replace(/[:.]/g, '-')}.json`, import.meta.url));
  mkdirSync(dirname(file), { recursive: true });
  const document = { began: began.toISOString(), ended: new Date().toISOString(), isWhole, machine: on, series: results.all };
  writeFileSync(file, `${JSON.stringify(document, null, 1)}\n`);
  say(`\n${isWhole ? '' : 'ended early: '}${file}`);
}
process.on('exit', () => report(false));

await warmUp(bench, here);
for (const work of works) if (work.rows.some((row) => chosen.rows.includes(row))) await work.run(bench);
report(true);
