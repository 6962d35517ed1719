import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { ask } from '../ask.ts';
import { type Bench, messageOf, whileUp } from '../bench.ts';
import { crewOf, environment, type Launched } from '../launch.ts';
import { cpuMs } from '../measure/cpu.ts';
import { memoryOf } from '../measure/memory.ts';
import { measures } from '../measures.ts';
import { ostlerCommand, socketOf } from '../peers/ostler.ts';
import type { Peer, RowName } from '../peers/peer.ts';
import { add, note } from '../series.ts';

/** Past ten seconds everything that a supervisor does about a start is done. */
const settleMs = 12_000;
const applies = 5;
const listings = 15;

/** What a supervisor costs while its workers just run: memory, CPU, and ostler's own verbs. One start for all of them. */
export async function held(bench: Bench): Promise<void> {
  const rows = (['memory', 'idle', 'apply', 'ps'] as const).filter((row) => bench.options.rows.includes(row));
  const peers = [...new Set(rows.flatMap((row) => bench.contenders(row)))];
  for (const n of bench.options.sizes)
    for (const peer of peers) {
      const mine = rows.filter((row) => peer.rows.includes(row) && isMeasured(bench, row, n));
      const fail = (row: (typeof rows)[number], error: unknown): void => {
        bench.results.of(row, measureOf[row], n, peer.name).failed = messageOf(error);
      };
      try {
        await whileIdle(bench, peer, n, async (launched) => {
          await pause(settleMs);
          for (const row of mine) await work[row](bench, launched).catch((error: unknown) => fail(row, error));
        });
      } catch (error) {
        for (const row of mine) fail(row, error);
      }
    }
}

const isMeasured = ({ options }: Bench, row: RowName, n: number): boolean => row === 'memory' || n === options.largest || (row === 'ps' && n === 1);

const work = { memory, idle, apply, ps };
const measureOf = { memory: measures.supervisorUss, idle: measures.idle, apply: measures.apply, ps: measures.ps };

function whileIdle(bench: Bench, peer: Peer, n: number, look: (launched: Launched) => Promise<void>): Promise<void> {
  bench.progress(`held ${n}: ${peer.name}`);
  // A floor holds no worker; nothing of it waits for a stamp.
  return whileUp(bench, peer, peer.rows.includes('start') ? n : 0, look);
}

async function memory({ results, options }: Bench, launched: Launched): Promise<void> {
  const { peer, site } = launched;
  const { supervisor, holders } = crewOf(launched);
  const own = memoryOf(supervisor);
  const sizes = site.n === 0 ? options.sizes : [site.n];
  for (const n of sizes) {
    const uss = results.of('memory', measures.supervisorUss, n, peer.name);
    if (uss.values.length > 0) continue;
    if (supervisor.length > 1) note(uss, `${supervisor.length} processes`);
    add(uss, own.uss);
    add(results.of('memory', measures.supervisorPss, n, peer.name), own.pss);
  }
  if (holders.length === 0) return;
  const each = memoryOf(holders);
  const holderUss = results.of('memory', measures.holderUss, site.n, peer.name);
  note(holderUss, `${Math.round((holders.length / site.n) * 10) / 10} processes per worker`);
  add(holderUss, each.uss / site.n);
  add(results.of('memory', measures.holderPss, site.n, peer.name), each.pss / site.n);
}

async function idle({ options, results, progress }: Bench, launched: Launched): Promise<void> {
  const { peer, site } = launched;
  progress(`idle CPU: ${peer.name}`);
  const { supervisor, holders } = crewOf(launched);
  const watched = [...supervisor, ...holders];
  const before = cpuMs(watched);
  const from = performance.now();
  await pause(options.idleMs);
  const after = cpuMs(watched);
  const series = results.of('idle', measures.idle, site.n === 0 ? options.largest : site.n, peer.name);
  if (options.idleMs !== 30_000) note(series, `seen for ${options.idleMs / 1000} s`);
  add(series, ((after - before) * 30_000) / (performance.now() - from));
}

async function apply({ results }: Bench, { peer, site }: Launched): Promise<void> {
  const series = results.of('apply', measures.apply, site.n, peer.name);
  for (let time = 0; time < applies; time++) {
    const from = performance.now();
    // What the command sends for a plain `ostler apply`.
    const { status, body } = await ask(socketOf(site), 'POST', '/v1/apply', { allowRemove: false, waitMs: 120_000 });
    add(series, performance.now() - from);
    if (status !== 200) throw new Error(`apply was answered with ${status}: ${body.slice(0, 300)}`);
    const { outcome, steps } = JSON.parse(body) as { outcome: string; steps: readonly { kind: string }[] };
    const changes = steps.filter(({ kind }) => kind !== 'keep').length;
    if (outcome !== 'done' || changes > 0) throw new Error(`apply came out as ${outcome} with ${changes} changes`);
  }
}

async function ps({ results, progress }: Bench, { peer, site }: Launched): Promise<void> {
  progress(`ps ${site.n}: ${peer.name}`);
  const series = results.of('ps', measures.ps, site.n, peer.name);
  const [command = '', ...args] = ostlerCommand('ps', '--socket', socketOf(site));
  for (let time = 0; time < listings; time++) {
    const from = performance.now();
    const child = spawn(command, args, { env: environment(), stdio: ['ignore', 'pipe', 'ignore'], timeout: 30_000 });
    let lines = 0;
    child.stdout.on('data', (chunk: Buffer) => (lines += chunk.toString().split('\n').length - 1));
    const [code] = await once(child, 'close');
    add(series, performance.now() - from);
    if (code !== 0 || lines < site.n) throw new Error(`ps ended with ${code} after ${lines} lines`);
  }
}
