import { get } from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Bench, messageOf, whileUp } from '../bench.ts';
import { startFloor } from '../floor.ts';
import { crewOf, type Launched } from '../launch.ts';
import { cpuMs } from '../measure/cpu.ts';
import { measures } from '../measures.ts';
import { compile, floorSource } from '../peers/floors.ts';
import type { Peer } from '../peers/peer.ts';
import { add, note } from '../series.ts';
import { msBetween, type Stamp, Stamps } from '../stamps.ts';

const intervalMs = 5000;
const windowMs = 100;
/** Failures in a row that make a worker unhealthy. */
const retries = 2;
/** Intervals that pass before anything counts, and those that are looked at. */
const settleIntervals = 3;
const lookIntervals = 6;
const failing = 30;
const answeredMs = 120_000;

/** Every worker is probed over HTTP, all at one server that keeps the time: what that costs, how evenly it is spread, and how fast a verdict is acted on. */
export async function probes(bench: Bench): Promise<void> {
  const { largest } = bench.options;
  for (const peer of bench.contenders('probes')) {
    bench.progress(`probes: ${peer.name}`);
    try {
      await atServer(bench, peer, largest);
    } catch (error) {
      bench.results.of('probes', measures.probeCpu, largest, peer.name).failed = messageOf(error);
    }
  }
}

async function atServer(bench: Bench, peer: Peer, n: number): Promise<void> {
  const program = join(bench.sites.base, 'answer');
  compile(floorSource('answer.c'), program);
  const answers = join(bench.sites.base, 'answers');
  const server = startFloor(program, answers);
  try {
    const port = Number(await server.line());
    const health = (index: number): object => ({ http: { port, host: '127.0.0.1', path: `/${index}` }, interval: `${intervalMs}ms`, retries });
    await whileUp(bench, peer, n, (launched) => look(bench, launched, { port, answers: new Stamps(answers) }), {
      fields: (index) => ({ health: health(index) }),
    });
  } finally {
    await server.end();
  }
}

interface Server {
  readonly port: number;
  readonly answers: Stamps;
}

async function look({ results, progress }: Bench, launched: Launched, server: Server): Promise<void> {
  const { peer, site } = launched;
  const asked = await server.answers.until((all) => (new Set(all.map(({ index }) => index)).size >= site.n ? true : null), answeredMs, { everyMs: 100 });
  if (asked === null) throw new Error(`not every worker was probed within ${answeredMs / 1000} s`);
  await pause(settleIntervals * intervalMs);
  const { supervisor } = crewOf(launched);
  const before = cpuMs(supervisor);
  const fromNs = process.hrtime.bigint();
  await pause(lookIntervals * intervalMs);
  const used = cpuMs(supervisor) - before;
  const toNs = process.hrtime.bigint();
  const seen = server.answers.read().filter(({ ns }) => ns >= fromNs && ns < toNs);
  const cpu = results.of('probes', measures.probeCpu, site.n, peer.name);
  add(cpu, (100 * used) / msBetween(fromNs, toNs));
  note(cpu, `${Math.round((seen.length * 1000) / msBetween(fromNs, toNs))} probes/s`);
  const share = results.of('probes', measures.probeShare, site.n, peer.name);
  add(share, (100 * mostWithin(seen, windowMs)) / site.n);
  progress(`probes that fail: ${peer.name}`);
  await verdicts(results.of('probes', measures.probeVerdict, site.n, peer.name), launched, server);
}

/** The most answers that fell into one window, wherever that begins. */
function mostWithin(all: readonly Stamp[], ms: number): number {
  const times = all.map(({ ns }) => Number(ns)).sort((a, b) => a - b);
  let most = 0;
  for (let from = 0, to = 0; to < times.length; to++) {
    while ((times[to] ?? 0) - (times[from] ?? 0) >= ms * 1e6) from++;
    most = Math.max(most, to - from + 1);
  }
  return most;
}

/** Some workers fail just as often as it takes: from the server's last answer of that kind to the successor, which is there once it was stopped and started. */
async function verdicts(series: Parameters<typeof add>[0], { stamps, site }: Launched, { port, answers }: Server): Promise<void> {
  const chosen = Array.from({ length: Math.min(failing, site.n) }, (_, at) => Math.floor((at * site.n) / Math.min(failing, site.n)));
  const fromNs = process.hrtime.bigint();
  for (const index of chosen) await told(port, `/fail/${index}/${retries}`);
  const deadlineMs = (retries + 3) * intervalMs;
  const successors = await stamps.until(
    (all) => {
      const fresh = new Map(all.filter(({ ns, kind }) => ns > fromNs && kind === 'started').map((stamp) => [stamp.index, stamp.ns]));
      return chosen.every((index) => fresh.has(index)) ? fresh : null;
    },
    deadlineMs,
    { everyMs: 20 },
  );
  if (successors === null) throw new Error(`not every one of ${chosen.length} workers whose probes failed was restarted within ${deadlineMs / 1000} s`);
  for (const index of chosen) {
    const bad = answers.read().findLast((stamp) => stamp.index === index && stamp.kind === 'bad answer' && stamp.ns > fromNs);
    if (bad === undefined) throw new Error(`worker ${index} was restarted without a failed probe`);
    add(series, msBetween(bad.ns, successors.get(index)!));
  }
}

function told(port: number, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, agent: false, timeout: 5000 }, (response) => {
      response
        .resume()
        .on('end', () => (response.statusCode === 200 ? resolve() : reject(new Error(`the server answered ${path} with ${response.statusCode}`))));
    }).on('error', reject);
  });
}
