import { setTimeout as pause } from 'node:timers/promises';
import { type Bench, messageOf, whileUp } from '../bench.ts';
import { startFloor } from '../floor.ts';
import { crewOf, type Launched } from '../launch.ts';
import { cpuMs } from '../measure/cpu.ts';
import { measures } from '../measures.ts';
import { floorSource } from '../peers/floors.ts';
import { socketOf } from '../peers/ostler.ts';
import { add, note, quantile } from '../series.ts';
import { successor } from './crash.ts';

/** More than are printed before the row is over. */
const lines = 1_000_000_000;
const readers = 20;
const psEveryMs = 20;
const settleMs = 12_000;
/** How long the load lasts before the first kill. */
const underLoadMs = 2000;

/** Crashes while the agent is busy: one worker prints as fast as it can, many read its log, and the list of all workers is asked for all the time. */
export async function load(bench: Bench): Promise<void> {
  const { largest, kills } = bench.options;
  for (const peer of bench.contenders('load')) {
    const series = bench.results.of('load', measures.loadCrash, largest, peer.name);
    bench.progress(`load: ${peer.name}`);
    // The flood is rotated away as it is on a host.
    const fields = (): object => ({ logs: { maxSize: '16MiB', maxFiles: 3 } });
    try {
      await whileUp(bench, peer, largest, (launched) => underLoad(series, launched, Math.min(4 * kills, largest - 1)), { lines, fields });
    } catch (error) {
      series.failed = messageOf(error);
    }
  }
}

async function underLoad(series: Parameters<typeof add>[0], launched: Launched, kills: number): Promise<void> {
  await pause(settleMs);
  const { workers, supervisor } = crewOf(launched);
  const printer = workers.get(0);
  if (printer === undefined) throw new Error('the worker that is to print does not run');
  const socket = socketOf(launched.site);
  process.kill(printer, 'SIGUSR1');
  const reading = startFloor(process.execPath, floorSource('log-readers.mjs'), socket, '/v1/workers/w0/logs?follow=1&tail=1', `${readers}`);
  const asking = startFloor(process.execPath, floorSource('ps-asker.mjs'), socket, `${psEveryMs}`);
  try {
    await pause(underLoadMs);
    const before = cpuMs(supervisor);
    const from = performance.now();
    for (let index = 1; index <= kills; index++) {
      add(series, await successor(launched, workers, index));
      await pause(20);
    }
    const ms = performance.now() - from;
    note(series, `agent ${Math.round((100 * (cpuMs(supervisor) - before)) / ms)} % of a core`);
  } finally {
    // Both say what they saw when their input ends.
    await Promise.all([reading.end(), asking.end()]);
  }
  const { bytes } = JSON.parse(await reading.line()) as { bytes: number };
  const { took, refused } = JSON.parse(await asking.line()) as { took: readonly number[]; refused: Readonly<Record<string, number>> };
  note(series, `${readers} readers got ${Math.round(bytes / 1e6)} MB`);
  note(series, `${took.length} answers to ps, p50 ${Math.round(quantile(took, 0.5))} p99 ${Math.round(quantile(took, 0.99))} ms`);
  for (const [why, count] of Object.entries(refused)) note(series, `${count} times no answer to ps: ${why}`);
}
