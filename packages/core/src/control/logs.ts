import { isRuntimeFailure, type LogFrom, type LogRecord, type Target } from '@ostler/sdk';
import type { LogsQuery } from '../api/control.ts';
import type { LogLine } from '../api/wire.ts';
import { problem } from '../base/problem.ts';
import type { InstanceRecord } from '../store/index.ts';
import type { Supervisor } from '../supervise/index.ts';
import { type Parts, workerOf } from './parts.ts';

/** The records of a worker's instances that are kept, oldest first, then, while following, of those that come. Pulled: a slow reader holds nobody up. */
export async function* logs(parts: Parts, name: string, query: LogsQuery, signal: AbortSignal): AsyncIterable<LogLine> {
  const one = workerOf(parts, name);
  const kept = one.instances.all().filter((record) => query.instance === null || record.instance === query.instance);
  if (query.instance !== null && kept.length === 0)
    throw problem({
      code: 'worker-unknown',
      message: `${name} has no instance ${query.instance}`,
      hint: `instances: ${
        one.instances
          .all()
          .map(({ instance }) => instance)
          .join(', ') || 'none'
      }`,
    });
  const begun = await beginnings(parts, one, kept, query, signal);
  let last: string | null = null;
  for (const { record, from } of begun) {
    const follow = query.follow && record === kept.at(-1);
    last = record.instance;
    if (follow && !(await parts.crew.until(() => hasBegun(one, record.instance), signal))) return;
    yield* ofInstance(parts, one, record.instance, from, follow, signal);
  }
  if (!query.follow || query.instance !== null) return;
  // Instances whose whole output was passed over by `tail` are behind us too.
  last ??= kept.at(-1)?.instance ?? null;
  while (!signal.aborted) {
    const next = (): InstanceRecord | null => {
      const all = one.instances.all();
      return all[all.findIndex(({ instance }) => instance === last) + 1] ?? null;
    };
    const isThere = (record: InstanceRecord | null): boolean => record !== null && hasBegun(one, record.instance);
    if (!(await parts.crew.until(() => isThere(next()), signal))) return;
    last = next()!.instance;
    yield* ofInstance(parts, one, last, 'start', true, signal);
  }
}

/** Also true of one that never will: that could not be started, and has been followed by another, or is not known any more. */
const hasBegun = (one: Supervisor, instance: string): boolean =>
  one.instances.get(instance)?.state !== 'intended' || one.instances.all().at(-1)?.instance !== instance;

interface Beginning {
  readonly record: InstanceRecord;
  readonly from: LogFrom;
}

/** Where each instance begins: for `tail`, so that the whole is as many lines as were asked for. */
async function beginnings(
  parts: Parts,
  one: Supervisor,
  kept: readonly InstanceRecord[],
  query: LogsQuery,
  signal: AbortSignal,
): Promise<readonly Beginning[]> {
  const { since, tailLines } = query;
  if (tailLines === null) return kept.map((record) => ({ record, from: since === null ? 'start' : { since } }));
  const begun: Beginning[] = [];
  let left = tailLines;
  for (const record of [...kept].reverse()) {
    begun.unshift({ record, from: { tailLines: left } });
    let lines = 0;
    for await (const line of ofInstance(parts, one, record.instance, { tailLines: left }, false, signal))
      if (line.data !== null) lines += Buffer.from(line.data, 'base64').toString('latin1').split('\n').length - 1;
    left -= lines;
    if (left <= 0) break;
  }
  return begun;
}

async function* ofInstance(parts: Parts, one: Supervisor, instance: string, from: LogFrom, follow: boolean, signal: AbortSignal): AsyncIterable<LogLine> {
  const target: Target | null = one.target(instance);
  const runtime = parts.crew.services.runtime(one.instances.get(instance)?.runtime ?? '');
  const base = { worker: one.worker, instance, cursor: null, at: null, stream: null, data: null, gap: null, message: null } as const;
  if (target === null || runtime === null) return;
  const call = { signal, deadlineMs: Number.MAX_SAFE_INTEGER, progress() {}, output() {} };
  let cursor: string | null = null;
  try {
    for await (const record of runtime.driver.logs(target, from, follow, call)) {
      // Sent twice at the seam: told once.
      if (record.cursor === cursor) continue;
      cursor = record.cursor;
      yield lineOf(base, record);
    }
  } catch (error) {
    if (signal.aborted) return;
    // One that is asked for, or that never came to be, has printed nothing.
    const isUnborn = isRuntimeFailure(error) && error.code === 'not-found' && (one.instances.get(instance)?.startedAt ?? null) === null;
    if (isUnborn) return;
    yield { ...base, type: 'problem', message: `the log of instance ${instance} cannot be read: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function lineOf(base: Omit<LogLine, 'type'>, record: LogRecord): LogLine {
  const { cursor, at } = record;
  if ('gap' in record) return { ...base, type: 'gap', cursor, at, gap: record.gap };
  const data = Buffer.from(record.bytes.buffer, record.bytes.byteOffset, record.bytes.byteLength).toString('base64');
  return { ...base, type: 'log', cursor, at, stream: record.stream, data };
}
