import { type WhyReport, type WhyState, why, whyText } from '../journal/index.ts';
import type { JournalRecord } from '../store/index.ts';
import { lacking, type Supervisor, startCauses, stateOf, toRecord } from '../supervise/index.ts';
import { type Parts, workerOf } from './parts.ts';

/** So many entries of a worker are looked at, and so many of the host for what concerns all. */
const ownEntries = 1000;
const hostEntries = 5000;
/** A chain of dependencies is followed so far; one that goes in a circle ends where it comes back. */
const mostLinks = 10;

/** Why a worker is as it is; one that was removed still has its history. */
export async function whyOf(parts: Parts, worker: string): Promise<{ readonly report: WhyReport; readonly lines: readonly string[] }> {
  const all = await parts.journal.query({ limit: hostEntries });
  const report = await reportOf(
    parts,
    worker,
    all.filter((record) => record.worker === null),
    new Set(),
  );
  if (report.now === null && report.entries.length === 0) workerOf(parts, worker);
  return { report, lines: whyText(report) };
}

async function reportOf(parts: Parts, worker: string, ofHost: readonly JournalRecord[], seen: Set<string>): Promise<WhyReport> {
  seen.add(worker);
  const own = await parts.journal.query({ worker, limit: ownEntries });
  const records = [...ofHost, ...own].sort((a, b) => a.cursor - b.cursor);
  const one = parts.crew.get(worker);
  const next = one === undefined || seen.size > mostLinks ? null : waitedFor(parts, one);
  const waitsFor = next === null || seen.has(next) ? null : await reportOf(parts, next, ofHost, seen);
  return why(worker, records, { ...(one === undefined ? unknown : standingOf(parts, one)), at: parts.crew.services.clock.isoNow(), waitsFor });
}

/** The worker that holds this one up: the first of its dependencies that does not hold. */
function waitedFor(parts: Parts, one: Supervisor): string | null {
  const { phase, want, reason } = one.life;
  if (phase !== 'waiting' || want !== 'run') return null;
  const rule = one.normal()?.rules.dependsOn.find((each) => lacking(each, parts.crew.get(each.worker)) !== null);
  return rule !== undefined && reason === `waiting for ${lacking(rule, parts.crew.get(rule.worker))}` && parts.crew.get(rule.worker) !== undefined
    ? rule.worker
    : null;
}

const unknown: Omit<WhyState, 'at' | 'waitsFor'> = {
  ...{ worker: null, state: 'unknown', rules: null, runtime: null, blind: null, startCause: null, unresolved: null },
  ...{ pid: null, startedAt: null, memoryLimitBytes: null, nextDueAt: null, isPending: false },
};

function standingOf(parts: Parts, one: Supervisor): Omit<WhyState, 'at' | 'waitsFor'> {
  const { life, live } = one;
  const { services } = parts.crew;
  const normal = one.normal();
  const schedule = normal?.rules.schedule ?? null;
  const dueMs = schedule === null || life.want !== 'run' ? null : services.nextDue(schedule, services.clock.nowMs());
  return {
    worker: toRecord(one.worker, life),
    state: stateOf(life),
    rules: normal?.rules ?? null,
    runtime: one.runtimeName(),
    blind: life.blind,
    startCause: startCauses[life.startCause],
    unresolved: life.unresolved,
    pid: live?.pid ?? null,
    startedAt: life.phase === 'running' ? startedAt(one) : null,
    memoryLimitBytes: (one.normal(one.generation(life.instanceGeneration)) ?? normal)?.spec.limits.memoryBytes ?? null,
    nextDueAt: dueMs === null ? null : new Date(dueMs).toISOString(),
    isPending: parts.pending().has(one.worker),
  };
}

function startedAt({ life, instances }: Supervisor): string | null {
  if (life.startedMs !== null) return new Date(life.startedMs).toISOString();
  return life.instance === null ? null : (instances.get(life.instance)?.startedAt ?? null);
}
