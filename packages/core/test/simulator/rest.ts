import { isDeepStrictEqual } from 'node:util';
import { unresolved } from '../../src/spec/index.ts';
import type { InstanceRecord } from '../../src/store/index.ts';
import { type Supervisor, toRecord } from '../../src/supervise/index.ts';
import type { Agent } from './agent.ts';
import type { Disk } from './disk.ts';
import { dueEveryMs } from './host.ts';
import type { View } from './invariants.ts';
import { canary } from './real.ts';

/** `without`: an engine that still hangs; what is on it, or waits for what is, need not have come to rest. */
export interface Rest {
  readonly without: string | null;
}

/** Whether all is as it should be once nothing fails any more; what is not, in a sentence. */
export function unsettled(view: View, { without }: Rest): string | null {
  const { engines, agent } = view;
  if (agent === null || !agent.isUp) return without === null ? 'the agent is not up' : null;
  const running = new Map(
    engines.flatMap(({ instances }) => [...instances.values()].filter(({ is }) => is === 'running')).map((real) => [real.ref.worker, real]),
  );
  for (const one of agent.crew.all()) {
    if (without !== null && isOn(one, without, view)) continue;
    const why = unrest(one, running.get(one.worker)?.ref.instance ?? null, view);
    if (why !== null) return why;
  }
  if (without !== null) return null;
  for (const [worker, { ref }] of running) if (agent.crew.get(worker)?.life.instance !== ref.instance) return `${worker}/${ref.instance} runs and is nobody's`;
  return null;
}

function isOn(one: Supervisor, engine: string, view: View, depth = 0): boolean {
  if (one.runtimeName() === engine || one.generation()?.runtime === engine || depth > 12) return true;
  return (one.normal()?.rules.dependsOn ?? []).some(({ worker }) => {
    const other = view.agent?.crew.get(worker);
    return other !== undefined && isOn(other, engine, view, depth + 1);
  });
}

const onHost: ReadonlySet<string> = new Set(['starting', 'running', 'stopping', 'unresolved']);

function unrest(one: Supervisor, real: string | null, { engines, disk, agent }: View): string | null {
  const { worker, life } = one;
  const { phase, want, blind } = life;
  const row = disk.workers.get(worker);
  const last = disk.instances.get(`${worker}/${life.instance}`);
  const hasEnded = (last?.state === 'exited' || last?.state === 'gone') && !life.mayCome && !onHost.has(phase);
  // Nobody but a person knows what became of one whose engine has another store now, unless it had ended before that.
  const store = life.instance === null ? null : one.instances.get(life.instance)?.engine;
  if (blind !== null && !hasEnded && store && !engines.some((engine) => engine.store === store)) return null;
  if (blind !== null) return `${worker} cannot be seen`;
  const differs = unlike(one, disk);
  if (differs !== null) return differs;
  if (row !== undefined && !isDeepStrictEqual(row, toRecord(worker, life)))
    return `${worker} is ${phase}, ${want} (${life.instance}), and that is not what its row says: ${row.phase}, ${row.want} (${row.instance})`;
  if (phase === 'running') {
    if (real !== life.instance) return `${worker} is taken for running and is not`;
    if (disk.instances.get(`${worker}/${real}`)?.state !== 'running')
      return `${worker}/${real} runs and is ${disk.instances.get(`${worker}/${real}`)?.state} by its row`;
    if (want !== 'run') return `${worker} runs and is ${want}`;
    // Found after the store was lost, and not in the host file: nobody knows by what it is probed.
    if (one.normal(one.generation(life.instanceGeneration)) === null) return null;
    return agent!.probes.some((watch) => watch.instance === real && watch.worker === worker) ? null : `${worker} runs, and nobody probes it`;
  }
  if (real !== null) return `${worker} runs and is ${phase}`;
  if (want === 'removed' && one.generation() !== null) return `${worker} is removed, at rest and still there`;
  if (phase === 'backoff' && isForOwner(one, disk, agent!)) return `${worker} waits for a worker that runs, whose network it shares`;
  if (['done', 'failed', 'backoff'].includes(phase)) return null;
  if (phase === 'idle' && (want !== 'run' || one.normal()?.rules.kind === 'cron')) return null;
  // Or found on an engine and not in the store: it waits for the host file.
  if (phase === 'waiting' && agent!.crew.services.missing(worker) !== null) return null;
  if (one.generation() === null) return null;
  return `${worker} is ${phase} (${life.reason}), wanted to ${want}`;
}

/** Its last start was called off for want of the worker whose network it shares, and that one runs. */
function isForOwner({ worker }: Supervisor, { journal }: Disk, { crew }: Agent): boolean {
  const failed = journal.findLast((entry) => entry.worker === worker && entry.type === 'worker.start-failed');
  const owner = /aborted.*? (w\d+), whose network/.exec(failed === undefined ? '' : JSON.stringify(failed.data))?.[1];
  const life = owner === undefined ? undefined : crew.get(owner)?.life;
  return life?.phase === 'running' && life.blind === null;
}

/** What the agent goes by is what the next one would be given. */
function unlike(one: Supervisor, disk: Disk): string | null {
  const { worker, instances } = one;
  const kept = [...disk.instances.values()].filter((row) => row.worker === worker);
  for (const row of kept)
    if (!isDeepStrictEqual(row, instances.get(row.instance))) return `${worker}/${row.instance} is one thing for its agent and another by its row`;
  const known = [...disk.generations.values()].filter((row) => row.worker === worker);
  for (const row of known)
    if (!isDeepStrictEqual(row, one.generation(row.counter))) return `generation ${row.counter} of ${worker} is one thing for its agent and another by its row`;
  if (known.length !== one.generations.length)
    return `${one.generations.length} generations of ${worker} are known to its agent, ${known.length} are on the disk`;
  const more = instances.all().length - kept.length;
  return more === 0 ? null : `${more} instances of ${worker} are not on the disk`;
}

/** A timer may come so late. */
const slackMs = 3000;
/** Three looks, the first up to five seconds after it is there, each with a call that may hang as long. */
const memoryLooksMs = 30_000;

/** What was to happen of itself by now, and has not. `nowMs`: by the host's clock, epoch ms, which was never set; `keptMs`: for how long nothing has failed. */
export function undone(view: View, nowMs: number, keptMs: number): string | null {
  for (const one of view.agent?.crew.all() ?? []) {
    const { worker, life } = one;
    const rules = one.normal()?.rules;
    if (rules === undefined || life.blind !== null || life.want !== 'run') continue;
    if (life.nextTryAt !== null && Date.parse(life.nextTryAt) < nowMs - slackMs) return `${worker} is ${life.phase}, and its next try was at ${life.nextTryAt}`;
    if (life.phase !== 'running' || life.startedMs === null) continue;
    const ranMs = nowMs - life.startedMs - slackMs;
    const { resetAfterMs, maxAgeMs, at, memoryAboveBytes } = rules.restart;
    if (life.failures > 0 && resetAfterMs !== null && ranMs > resetAfterMs) return `${worker} has run for ${ranMs} ms, and its failures still count`;
    // A time that came while it was out of sight is not made up for.
    if (at !== null && Math.min(ranMs, keptMs - slackMs) > dueEveryMs) return `${worker} has run for ${ranMs} ms, and is restarted every ${dueEveryMs}`;
    if (maxAgeMs !== null && ranMs > maxAgeMs) return `${worker} has run for ${ranMs} ms, and may for ${maxAgeMs}`;
    const isGreedy = view.engines.some((engine) => engine.isGreedy(worker));
    if (isGreedy && memoryAboveBytes !== null && Math.min(ranMs, keptMs) > memoryLooksMs) return `${worker} has used too much memory for ${ranMs} ms`;
    const timeoutMs = rules.schedule?.timeoutMs ?? null;
    if (timeoutMs !== null && ranMs > timeoutMs) return `${worker} has run for ${ranMs} ms, its timeout is ${timeoutMs}`;
  }
  return null;
}

/** Of what is to be started anew, or to stop, with a dependency: one that is older than the dependency that runs, or runs without it. */
export function outdated({ engines, agent }: View): string | null {
  const running = new Map(
    engines.flatMap((engine) => engine.here().flatMap((real) => (real.is === 'running' ? [[real.ref.worker, real.startedMs] as const] : []))),
  );
  for (const one of agent?.crew.all() ?? [])
    for (const { worker, is, restartWithIt, stopWithIt } of one.normal(one.generation(one.life.instanceGeneration))?.rules.dependsOn ?? []) {
      const [own, its] = [running.get(one.worker), running.get(worker)];
      const life = agent?.crew.get(worker)?.life;
      if (own === undefined || one.life.blind !== null || life === undefined || life.blind !== null) continue;
      if (restartWithIt && its !== undefined && its > own) return `${one.worker} runs on since before ${worker} was started anew`;
      const isOver = its === undefined && life.phase !== 'done' && (is === 'healthy' || is === 'started');
      if (stopWithIt && isOver) return `${one.worker} runs on without ${worker}`;
    }
  return null;
}

/** The value of a secret, where it must not be. */
export function leaked({ disk }: View): string | null {
  const kept = JSON.stringify([disk.journal, [...disk.workers.values()], [...disk.instances.values()]]);
  return kept.includes(canary) ? 'the value of a secret is on the disk' : null;
}

/** Of what runs, a definition that does not say what runs: the next start might be of something else. */
export function unpinned({ disk }: View): string | null {
  for (const { worker, phase, instance } of disk.workers.values()) {
    const counter = Number.parseInt(disk.instances.get(`${worker}/${instance}`)?.generation ?? '', 10);
    const generation = disk.generations.get(`${worker}/${counter}`);
    if (phase === 'running' && generation?.artifact.digest === unresolved.digest)
      return `${worker} runs, and generation ${counter} of it is not resolved on the disk`;
  }
  return null;
}

/** Of all workers that were stopped together, one that is not at rest, or runs. `those`: who is meant. */
export function unstopped({ engines, agent }: Pick<View, 'engines' | 'agent'>, those: (worker: string) => boolean): string | null {
  for (const { worker, life } of agent?.crew.all().filter((one) => those(one.worker)) ?? []) {
    // A run that was due meanwhile waits for the next agent.
    if (!['idle', 'done', 'failed', 'waiting'].includes(life.phase)) return `${worker} is ${life.phase}`;
    if (life.blind === null && engines.some((engine) => engine.here().some(({ ref, is }) => is === 'running' && ref.instance === life.instance)))
      return `${worker}/${life.instance} runs`;
  }
  return null;
}

/** Ended instances that stay of each worker, for their logs, and the present one. */
const kept = 4;

/**
 * What was left lying about, on an engine or in the store: nothing is taken away while its engine does not answer. `upheavals`: how often all of a worker
 * may have been left on a store that was away, or on an engine that did not answer as it left; `failed`: removals.
 */
export function littered({ engines, disk, agent }: View, upheavals: number, failed: number): string | null {
  const real = engines.flatMap((engine) => engine.here().map(({ ref }) => ref.worker));
  const rows = [...disk.instances.values()].map(({ worker }) => worker);
  const unseen = (name: string): number => disk.journal.filter(({ type, worker }) => type === 'worker.blind' && worker === name).length;
  for (const [what, workers] of [
    ['on its engine', real],
    ['in the store', rows],
  ] as const)
    for (const [worker, all] of Map.groupBy(workers, (name) => name)) {
      const most = (agent?.crew.get(worker) === undefined ? 0 : kept) + upheavals * kept + failed;
      if (all.length > most + unseen(worker)) return `${worker} has ${all.length} instances ${what}, ${most} may be`;
    }
  return null;
}

/** Of what runs, one of which this agent has told neither that it started nor that it took it over. */
export function untold({ disk, agent }: View): string | null {
  const told = new Set(
    disk.journal.flatMap(({ type, worker, instance }, index) =>
      disk.writers[index] === agent?.owner && (type === 'worker.started' || type === 'worker.adopted') ? [`${worker}/${instance}`] : [],
    ),
  );
  const one = agent?.crew.all().find(({ worker, life }) => life.phase === 'running' && life.blind === null && !told.has(`${worker}/${life.instance}`));
  return one === undefined ? null : `${one.worker}/${one.life.instance} runs, and this agent has not told of it`;
}

const serialOf = (instance: string): number => Number(instance.slice(1));

/**
 * One that has ended and was taken away, although an older one of its worker is kept on the same engine: another may not have answered when that was to
 * go. Where no removal failed and no clock was set.
 */
export function mislaid({ disk, agent, engines }: View): string | null {
  for (const { type, worker, instance } of disk.journal) {
    const key = `${worker}/${instance}`;
    if (type !== 'worker.exited' || worker === null || instance === null || disk.instances.has(key)) continue;
    const present = agent?.crew.get(worker)?.life.instance;
    const on = engines.find(({ removed }) => removed.has(key))?.name;
    const isAlike = ({ runtime }: InstanceRecord): boolean => on === undefined || runtime === on;
    const others = [...disk.instances.values()].filter((row) => row.worker === worker && row.instance !== present && isAlike(row));
    const older = others.find((row) => serialOf(row.instance) < serialOf(instance));
    if (older !== undefined) return `${key} is no more, and ${older.instance}, which is older, is`;
  }
  return null;
}

/** By worker, what ran when a restart of it was answered: one that runs on. */
export function unchanged({ engines, agent }: View, restarted: ReadonlyMap<string, string>): string | null {
  for (const [worker, instance] of restarted) {
    const isThere = engines.some((engine) => engine.here().some(({ is, ref }) => is === 'running' && ref.instance === instance));
    if (isThere && agent?.crew.get(worker)?.life.blind === null) return `${worker} was to be restarted, and ${instance} runs on`;
  }
  return null;
}

/** What was made for a start that failed, and was not taken away; where no removal failed. One that may be started under its name is kept. */
export function halfMade({ engines, agent }: View): string | null {
  for (const { ref } of engines.flatMap((engine) => engine.here().filter(({ is, endedWithEngine }) => is === 'created' && !endedWithEngine))) {
    const life = agent?.crew.get(ref.worker)?.life;
    if (life?.instance !== ref.instance || !life.mayCome) return `${ref.worker}/${ref.instance} was made and never started, and is there`;
  }
  return null;
}

/** What one who follows the journal of a worker from its first entry on has not heard, or not in its order. */
export function unheard({ disk, agent }: View): string | null {
  const { worker, cursors } = agent!.heardOf;
  const told = disk.journal.filter((entry) => entry.worker === worker).map(({ cursor }) => cursor);
  return told.join() === cursors.join() ? null : `entries ${told.join()} are of ${worker}, who follows it heard ${cursors.join()}`;
}
