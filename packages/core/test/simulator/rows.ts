import { isDeepStrictEqual } from 'node:util';
import type { InstanceRecord } from '../../src/store/index.ts';
import { unknownGeneration } from '../../src/supervise/index.ts';
import type { Agent } from './agent.ts';
import type { Disk } from './disk.ts';
import type { Engine } from './engine.ts';
import type { View } from './invariants.ts';
import { handleOf, type Real } from './real.ts';

/** What a row may say after each of these entries, in the batch that has both. */
const stateAfter: Readonly<Record<string, readonly InstanceRecord['state'][]>> = {
  'worker.started': ['running'],
  'worker.adopted': ['running'],
  'worker.exited': ['exited', 'gone', 'intended'],
  'worker.stopped': ['exited', 'gone'],
};

/** The rows of instances, each judged once for each time that it is written: by the world, not by the code that wrote it. */
export class Rows {
  readonly #judged = new Map<string, InstanceRecord>();
  #at = 0;
  #writes = -1;

  wrong({ disk, engines, agent }: View): string | null {
    const isWritten = disk.writes !== this.#writes;
    this.#writes = disk.writes;
    return (isWritten ? this.#untrue(disk, engines) : null) ?? (agent?.isUp ? forgotten(disk, agent) : null);
  }

  #untrue(disk: Disk, engines: readonly Engine[]): string | null {
    // Of a worker that was forgotten, and whose instance is found again, it is a row of its own.
    if (this.#judged.size > disk.instances.size) for (const key of this.#judged.keys()) if (!disk.instances.has(key)) this.#judged.delete(key);
    for (const [key, row] of disk.instances) {
      const before = this.#judged.get(key);
      if (before === row) continue;
      this.#judged.set(key, row);
      const text = changed(row, before) ?? untrue(row, before, realOf(engines, key));
      if (text !== null) return `${key}: ${text}`;
    }
    for (const [key, { worker, instance, state }] of disk.instances) {
      const owner = disk.workers.get(worker);
      if (state === 'running' && owner !== undefined && owner.instance !== instance)
        return `${key}: it runs by its row, and ${owner.instance} is what its worker has`;
    }
    for (const { worker, counter } of disk.generations.values())
      if (disk.workers.get(worker)?.generation === null) return `${worker}: generation ${counter} of it is known, and none is its own`;
    const last = new Map<string, string>();
    for (; this.#at < disk.journal.length; this.#at++) {
      const { type, worker, instance } = disk.journal[this.#at]!;
      if (type in stateAfter) last.set(`${worker}/${instance}`, type);
    }
    for (const [key, type] of last) {
      const state = disk.instances.get(key)?.state;
      if (state !== undefined && !stateAfter[type]!.includes(state)) return `${key}: ${type} is told, and by its row it is ${state}`;
    }
    for (const { worker, phase, instance, extra } of disk.workers.values()) {
      const its = disk.instances.get(`${worker}/${instance}`);
      const state = its?.state;
      const { instanceGeneration } = extra as { readonly instanceGeneration: number | null };
      const known = disk.generations.get(`${worker}/${instanceGeneration}`);
      const isSame = known === undefined ? [unknownGeneration, counterOf(its)].includes(instanceGeneration ?? -1) : known.digest === digestOf(its);
      if (its !== undefined && !isSame)
        return `${worker}/${instance}: it is of ${its.generation} by its row, and its worker takes it for ${instanceGeneration}`;
      if (phase === 'running' && state !== 'running') return `${worker}/${instance}: its worker runs, and by its own row it is ${state}`;
      if (['backoff', 'done', 'failed'].includes(phase) && state === 'running')
        return `${worker}/${instance}: its worker is ${phase}, and by its own row it runs`;
    }
    return null;
  }
}

const realOf = (engines: readonly Engine[], key: string): Real | null =>
  engines.map(({ instances, removed }) => instances.get(key) ?? removed.get(key)).find((real) => real) ?? null;

const counterOf = (its: InstanceRecord | undefined): number => Number.parseInt(its?.generation ?? '', 10);
const digestOf = (its: InstanceRecord | undefined): string => its?.generation.split('-')[1] ?? '';

/** An agent knows what it has written down until it has taken that back. */
function forgotten({ instances, workers }: Disk, { crew }: Agent): string | null {
  for (const { worker, instance } of instances.values())
    if (crew.get(worker)?.instances.get(instance) === null) return `${worker}/${instance}: it is on the disk, and its agent has forgotten it already`;
  for (const worker of workers.keys()) if (crew.get(worker) === undefined) return `${worker} is on the disk, and its agent has forgotten it already`;
  return null;
}

/** What never changes of a row, or only once. */
function changed(row: InstanceRecord, before: InstanceRecord | undefined): string | null {
  if (before === undefined) return null;
  for (const name of ['generation', 'runtime', 'intendedAt'] as const)
    if (row[name] !== before[name]) return `its ${name} was ${before[name]} and is ${row[name]}`;
  for (const name of ['handle', 'engine', 'startedAt', 'stopCause'] as const)
    if (before[name] !== null && row[name] === null) return `its ${name} was known and is not any more`;
  if (before.state === 'exited' && row.state === 'exited' && !isDeepStrictEqual(row.exit, before.exit)) return 'it ended twice';
  return row.state === 'intended' && before.state !== 'intended' ? `it was ${before.state} and is intended again` : null;
}

function untrue(row: InstanceRecord, before: InstanceRecord | undefined, real: Real | null): string | null {
  const { state, handle, engine, startedAt, exit } = row;
  const stores = real?.stores ?? [];
  if (handle !== null && !stores.some((store) => isDeepStrictEqual(handle, handleOf(store, row)))) return `its handle is ${JSON.stringify(handle)}`;
  if (engine !== null && !stores.includes(engine)) return `it is in ${engine} by its row, and was never there`;
  if (startedAt !== null && startedAt !== before?.startedAt && !real?.starts.includes(startedAt)) return `it was not started at ${startedAt}`;
  switch (state) {
    case 'running':
      return handle === null || engine === null || startedAt === null ? 'it runs, and is not known by its handle, its engine and its start' : null;
    case 'exited':
      if (handle === null) return 'it has ended, and its handle is not known';
      // Found ended, after the store was lost; and written once more as it was.
      if (exit === null) return before === undefined || (before.state === 'exited' && before.exit === null) ? null : 'it has ended, and nobody knows how';
      return real?.exits.some((one) => isDeepStrictEqual(one, exit)) ? null : `it did not end like that: ${JSON.stringify(exit)}`;
    default:
      return null;
  }
}
