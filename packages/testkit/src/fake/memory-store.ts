import type { Batch, GenerationRecord, InstanceRecord, JournalRecord, Snapshot, Store, WorkerRecord } from '@ostler/core';
import type { Json } from '@ostler/sdk';

/** Core's store without a disk. `reopen()` of the same one is the agent that came back: what was committed is there. */
export function memoryStore(): Store & { reopen(): Store } {
  const tables = { workers: new Map<string, WorkerRecord>(), instances: new Map<string, InstanceRecord>(), generations: new Map<string, GenerationRecord>() };
  const values = new Map<string, Json>();
  const journal: JournalRecord[] = [];
  let cursor = 0;

  const commit = (batch: Batch): readonly JournalRecord[] => {
    // copied in and out: a caller that changes its own object later must not change what was committed
    const given = structuredClone(batch);
    for (const row of given.workers ?? []) tables.workers.set(row.worker, row);
    for (const row of given.instances ?? []) tables.instances.set(`${row.worker}/${row.instance}`, row);
    for (const row of given.generations ?? []) tables.generations.set(`${row.worker}/${String(row.counter)}`, row);
    for (const worker of given.forgetWorkers ?? []) {
      tables.workers.delete(worker);
      for (const table of [tables.instances, tables.generations]) {
        for (const [key, row] of table) if (row.worker === worker) table.delete(key);
      }
    }
    for (const { worker, instance } of given.forgetInstances ?? []) tables.instances.delete(`${worker}/${instance}`);
    for (const [name, value] of Object.entries(given.values ?? {})) values.set(name, value);
    const recorded = (given.journal ?? []).map((entry) => {
      cursor += 1;
      return { ...entry, cursor };
    });
    journal.push(...recorded);
    return structuredClone(recorded);
  };
  const load = (): Snapshot => ({
    workers: [...tables.workers.values()],
    instances: [...tables.instances.values()],
    generations: [...tables.generations.values()],
    values: Object.fromEntries(values),
  });
  const open = (): Store => ({
    path: ':memory:',
    setAside: null,
    load: async () => structuredClone(load()),
    commit: async (batch) => commit(batch),
    journal: async ({ afterCursor = 0, since, worker, limit }) => {
      const fits = journal.filter(
        (one) => one.cursor > afterCursor && (since === undefined || one.at >= since) && (worker === undefined || one.worker === worker),
      );
      return structuredClone(limit === undefined ? fits : fits.slice(Math.max(0, fits.length - limit)));
    },
    trimJournal: async (keep, before = '') => {
      const young = journal.findIndex(({ at }) => at >= before);
      const old = young < 0 ? journal.length : young;
      // never the newest, as the real one
      return journal.splice(0, Math.min(Math.max(old, journal.length - keep), journal.length - 1)).length;
    },
    close: async () => {},
  });
  return { ...open(), reopen: open };
}
