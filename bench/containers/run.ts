// Containers for ostler, for docker compose and by bare calls to the same engine, in one run: `npm run bench:containers`, see README.md. Needs root.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { build } from '../../scripts/install.mjs';
import { ask } from '../ask.ts';
import { machine } from '../machine.ts';
import { memoryOf } from '../measure/memory.ts';
import { processes } from '../processes.ts';
import { quantile } from '../series.ts';
import { bareCalls, type Contender, compose, makeNetwork, Ostler, startOne } from './contenders.ts';
import { Engine } from './engine.ts';

const { values: asked } = parseArgs({
  options: {
    containers: { type: 'string', default: '50' },
    repeats: { type: 'string', default: '5' },
    kills: { type: 'string', default: '20' },
    build: { type: 'boolean', default: true },
    out: { type: 'string' },
  },
  allowNegative: true,
});
const [n, repeats, kills] = [asked.containers, asked.repeats, asked.kills].map(Number) as [number, number, number];
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const progress = (text: string): void => void process.stderr.write(`${new Date().toTimeString().slice(0, 8)} ${text}\n`);

/** By measure and contender. */
const figures = new Map<string, Map<string, number[]>>();
function add(measure: string, contender: string, value: number): void {
  const of = figures.get(measure) ?? new Map<string, number[]>();
  figures.set(measure, of);
  of.set(contender, [...(of.get(contender) ?? []), value]);
}
const median = (measure: string, contender: string): number => quantile(figures.get(measure)?.get(contender) ?? [], 0.5);

const measures = {
  start: `nothing to ${n} running, ms`,
  again: `the whole command with nothing to do, ${n} containers, ms`,
  agent: `an apply with nothing to do, ${n} containers, ms in the agent`,
  crash: `kill -9 of a container’s process to the next one running, ms`,
  one: 'create and start of one, ms',
  memory: 'agent, idle, USS KiB',
} as const;

if (asked.build) build('ostler...');
const base = mkdtempSync(join(tmpdir(), 'ostler-bench-containers-'));
const engine = await Engine.open();
const ostler = new Ostler();
const bare = [4, 8, 16].map(bareCalls);
const all: readonly Contender[] = [ostler, compose, ...bare];
const here = all.filter((one) => one.missing() === null);
for (const one of all) if (one.missing() !== null) say(`${one.name}: ${one.missing()}`);

let runs = 0;
/** `measure`: of the time until they run; `null` = it is none of those that are compared. */
async function onSite(contender: Contender, count: number, measure: string | null, work: (dir: string) => Promise<void>): Promise<void> {
  runs += 1;
  const dir = join(base, String(runs));
  mkdirSync(dir);
  const [before, fromMs] = [engine.starts, performance.now()];
  try {
    await contender.up(engine, dir, count);
    const seenMs = count === 0 ? fromMs : await engine.seen(before + count);
    if (measure !== null) add(measure, contender.name, seenMs - fromMs);
    await work(dir);
  } finally {
    await contender.end?.();
    await engine.wipe();
  }
}

async function unchanged(contender: Contender, dir: string): Promise<void> {
  if (contender.again === undefined) return;
  // Until what follows a start is done.
  await pause(2000);
  for (let time = 0; time < 3; time++) {
    const fromMs = performance.now();
    contender.again(engine, dir);
    add(measures.again, contender.name, performance.now() - fromMs);
    if (contender !== ostler) continue;
    const askedMs = performance.now();
    const { status } = await ask(Ostler.socketOf(dir), 'POST', '/v1/apply', { allowRemove: false, waitMs: 120_000 });
    if (status !== 200) throw new Error(`apply was answered with ${status}`);
    add(measures.agent, contender.name, performance.now() - askedMs);
  }
}

/** One after the other, each for the first time: nobody waits longer for a second failure. */
async function crashes(name: string): Promise<void> {
  for (const id of (await engine.running()).slice(0, kills)) {
    const pid = await engine.pidOf(id);
    const before = engine.starts;
    const fromMs = performance.now();
    process.kill(pid, 'SIGKILL');
    add(measures.crash, name, (await engine.seen(before + 1)) - fromMs);
    await pause(200);
  }
}

const ussOf = (): number => memoryOf(processes().filter(({ pid, parent }) => pid === ostler.pid || parent === ostler.pid)).uss;

try {
  await onSite(bareCalls(8), 5, null, async () => {});
  for (let round = 1; round <= repeats; round++)
    for (const one of here) {
      progress(`${one.name}, ${round}`);
      await onSite(one, n, measures.start, (dir) => unchanged(one, dir));
    }
  progress('crashes: ostler');
  await onSite(ostler, kills, null, async () => {
    await pause(2000);
    await crashes('ostler');
  });
  progress('crashes: the engine’s own policy');
  await makeNetwork(engine);
  for (let index = 0; index < kills; index++) await startOne(engine, `own-${index}`, 'always');
  await crashes('the engine’s own policy');
  await engine.wipe();
  progress('one at a time');
  await makeNetwork(engine);
  for (let index = 0; index < kills; index++) {
    const [before, fromMs] = [engine.starts, performance.now()];
    await startOne(engine, `one-${index}`);
    add(measures.one, 'bare calls', (await engine.seen(before + 1)) - fromMs);
  }
  await engine.wipe();
  for (const count of [0, n]) {
    progress(`memory: ${count}`);
    await onSite(ostler, count, null, async () => {
      await pause(15_000);
      add(measures.memory, `ostler, ${count} containers`, ussOf());
    });
  }
} finally {
  await ostler.end();
  await engine.wipe();
  await engine.close();
  rmSync(base, { recursive: true, force: true });
}

const { cores, memoryGiB, kernel, node } = machine(tmpdir(), []);
say(
  `\n${cores} cores, ${memoryGiB} GiB, Linux ${kernel}, Node ${node}, dockerd ${engine.version}; ${here.map((one) => `${one.name} ${one.version()}`).join(' · ')}\n`,
);
for (const [measure, of] of figures) {
  say(measure);
  for (const [name, all] of of)
    say(`  ${name.padEnd(28)} ${quantile(all, 0.5).toFixed(1).padStart(9)} [${Math.min(...all).toFixed(1)}..${Math.max(...all).toFixed(1)}] n=${all.length}`);
}
const best = Math.min(...bare.map(({ name }) => median(measures.start, name)));
const targets: readonly (readonly [string, boolean])[] = [
  [
    `${n} from nothing within 1.15 times the best bare calls (${(median(measures.start, 'ostler') / best).toFixed(2)})`,
    median(measures.start, 'ostler') <= 1.15 * best,
  ],
  ['… and ahead of compose', median(measures.start, 'ostler') < median(measures.start, compose.name)],
  ['nothing to do: 15 ms in the agent', median(measures.agent, 'ostler') <= 15],
  ['… and the whole command not slower than compose', median(measures.again, 'ostler') <= median(measures.again, compose.name)],
  ['a crash: within 30 ms of what the engine needs to start one', median(measures.crash, 'ostler') <= median(measures.one, 'bare calls') + 30],
  ['… and ahead of the engine’s own policy', median(measures.crash, 'ostler') < median(measures.crash, 'the engine’s own policy')],
  [
    `memory: at most 12 MB more with ${n} containers`,
    median(measures.memory, `ostler, ${n} containers`) - median(measures.memory, 'ostler, 0 containers') <= 12e6 / 1024,
  ],
];
say('');
for (const [text, isMet] of targets) say(`${isMet ? 'met   ' : 'MISSED'} ${text}`);
if (asked.out !== undefined) {
  mkdirSync(dirname(asked.out), { recursive: true });
  const plain = Object.fromEntries([...figures].map(([measure, of]) => [measure, Object.fromEntries(of)]));
  writeFileSync(
    asked.out,
    `${JSON.stringify({ at: new Date().toISOString(), cores, memoryGiB, kernel, node, dockerd: engine.version, figures: plain }, null, 1)}\n`,
  );
}
