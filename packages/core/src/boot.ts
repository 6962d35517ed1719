import type { InstanceRef, Listed } from '@ostler/sdk';
import { callWithDeadline } from './base/call.ts';
import type { HostConfig } from './config/index.ts';
import { generationDigest } from './reconcile/index.ts';
import { unknownArtifact } from './spec/index.ts';
import type { GenerationRecord, InstanceRecord, Snapshot } from './store/index.ts';
import { type Crew, fromRecord, type LifeEvent, newLife, overdue, type RuntimeAccess, type Supervisor, unknownGeneration } from './supervise/index.ts';

const listMs = 5000;
/** Phases in which something of the worker may be on the host. */
const active: ReadonlySet<string> = new Set(['starting', 'running', 'stopping', 'unresolved']);

/** What was made for a start and never ran wakes nobody that rests: it is taken away with the next start. */
const atRest: ReadonlySet<string> = new Set(['idle', 'done', 'failed']);

/** Puts every worker of the store where it stood. Nothing is asked or begun yet. */
export function restore(crew: Crew, { workers, generations, instances }: Snapshot): void {
  const generationsOf = Map.groupBy(generations, ({ worker }) => worker);
  const instancesOf = Map.groupBy(instances, ({ worker }) => worker);
  for (const record of workers) crew.add(record.worker, fromRecord(record), generationsOf.get(record.worker) ?? [], instancesOf.get(record.worker) ?? []);
}

export interface Listing {
  readonly engine: string;
  readonly instances: readonly Listed[];
}

/** Everything of this agent on one runtime. Rejects when it cannot be told: then nothing of that runtime is started. */
export function listAll(crew: Crew, { name, plugin, driver }: RuntimeAccess): Promise<Listing> {
  const { clock, stuck, agentId, inPlugin } = crew.services;
  return callWithDeadline({ name: `list of ${name}`, plugin, ms: listMs, clock, stuck, isMutating: false }, (call) =>
    inPlugin(plugin, () => driver.list(agentId, call)),
  );
}

/** What a host file says that the instances found without a store might be of. */
export interface Known {
  /** As it is now: an engine may come up long after the file was edited. */
  getConfig(): HostConfig | null;
  readonly key: Uint8Array;
}

/**
 * Takes over what one runtime has of this agent: each worker of the store is looked at, and what the store does not know (it was lost) is entered
 * from its ref. Resolves with the number of workers that were found running, and with those that it entered.
 */
export async function adopt(
  crew: Crew,
  runtime: RuntimeAccess,
  { engine, instances }: Listing,
  known: Known,
): Promise<{ readonly running: number; readonly entered: readonly Supervisor[] }> {
  const entered = [...instances].sort((a, b) => precedence[a.is] - precedence[b.is]).flatMap((listed) => enter(crew, runtime, engine, listed, known) ?? []);
  const running = new Set(instances.filter(({ is }) => is !== 'exited').map(({ ref }) => `${ref.worker}/${ref.instance}`));
  const own = crew.all().filter((one) => one.runtimeName() === runtime.name);
  await written(
    crew,
    own.map(async (one) => {
      const { life } = one;
      if (life.instance !== null && (active.has(life.phase) || running.has(`${one.worker}/${life.instance}`))) await one.look();
      else if (life.blind !== null) await one.send({ type: 'sighted' });
    }),
  );
  return { running: own.filter(({ life }) => life.phase === 'running' && life.blind === null).length, entered };
}

/** What is found as an agent comes is decided on at once; that it is written down is waited for no longer than this. */
const writtenMs = 10_000;

/** Until all that was decided is written down, where the disk has room for it: on a full one an agent is needed all the same. */
export async function written(crew: Crew, work: readonly Promise<void>[]): Promise<void> {
  const all = Promise.all(work);
  // What fails later is told where it fails.
  all.catch(() => {});
  let cancel = (): void => {};
  const late = new Promise<void>((resolve) => {
    cancel = crew.services.clock.after(writtenMs, resolve);
  });
  await Promise.race([all, late]).finally(() => cancel());
}

/** The first starts are waited for so long, and as long again while they come on; no longer than {@link firstRounds} times. */
const firstStartsMs = 150;
const firstRounds = 12;

/** Until the first wave of starts is over, or stands still: one may pull an image. */
export async function firstStarts(crew: Crew): Promise<void> {
  const isStarting = ({ life: { phase } }: Supervisor): boolean => phase === 'waiting' || phase === 'preparing' || phase === 'starting';
  const starting = (): number => crew.all().filter(isStarting).length;
  for (let round = 0, before = Number.POSITIVE_INFINITY; round < firstRounds && starting() > 0 && starting() < before; round += 1) {
    before = starting();
    const late = new AbortController();
    // Unlike that of AbortSignal.timeout() it keeps the process alive, which waits for nothing else at times.
    const timer = setTimeout(() => late.abort(), firstStartsMs);
    // From the end, where the last ones start: it is asked after each change.
    await crew.until(() => crew.all().findLast(isStarting) === undefined, late.signal);
    clearTimeout(timer);
  }
}

/** Goes on with what a worker was about when the last agent ended. */
export async function resume(crew: Crew, one: Supervisor): Promise<void> {
  const { life } = one;
  // All at once and before its timers: the next run may be due while this is written down.
  const told = one.sendAll(() => missedOf(one));
  one.begin();
  crew.followDependencies(one);
  const begun: Promise<void>[] = [];
  if (life.want === 'run' && life.phase === 'idle') begun.push(one.send({ type: 'start', by: 'the agent', cause: 'release' }));
  // The last agent died in its own end, with the stop of this one under way.
  const isStopping = life.phase === 'stopping' || life.unresolved === 'stop';
  if (life.want === 'run' && isStopping && life.onward === 'rest') begun.push(one.send({ type: 'start', by: 'the agent', cause: 'release' }));
  // The last agent died before it had taken everything of it away.
  if (life.want === 'removed' && ['idle', 'done', 'failed'].includes(life.phase)) begun.push(one.send({ type: 'remove', by: life.heldBy ?? 'apply' }));
  await written(crew, [told, ...begun]);
}

/** What it is told of the times of its schedule that no agent saw: also while it is held, so that they do not count once it is released. */
function missedOf(one: Supervisor): readonly LifeEvent[] {
  const { life, services } = one;
  const schedule = one.normal()?.rules.schedule ?? null;
  if (schedule === null) return [];
  return overdue(schedule, Date.parse(life.lastDueAt ?? life.since), services, 'no agent ran');
}

/** Of several of one worker that the store does not know, the one that runs is the present one. */
const precedence: Readonly<Record<Listed['is'], number>> = { running: 0, created: 1, exited: 2 };

/** The worker, where it is a new one. */
function enter(crew: Crew, runtime: RuntimeAccess, engine: string, { ref, handle, is }: Listed, known: Known): Supervisor | null {
  const there = crew.get(ref.worker);
  if (there?.instances.get(ref.instance)) return null;
  if (there?.isForgotten) {
    enterAfter(there, crew, () => enter(crew, runtime, engine, { ref, handle, is }, known)).catch((error) =>
      crew.services.log.error({ worker: ref.worker, instance: ref.instance, error: String(error) }, 'what was found of this worker could not be taken over'),
    );
    return null;
  }
  const at = crew.services.clock.isoNow();
  const record: InstanceRecord = {
    ...{ worker: ref.worker, instance: ref.instance, generation: ref.generation, runtime: runtime.name, handle, engine },
    ...{ state: is === 'exited' ? 'exited' : 'intended', intendedAt: at, startedAt: null, exit: null, stopCause: null },
  };
  if (there !== undefined) {
    // Kept for its logs and removed with the others; a second one that runs is told of, not touched.
    there.instances.keep([record]);
    const isTaken = active.has(there.life.phase);
    if (is === 'running' && isTaken)
      crew.services.log.error(
        { worker: ref.worker, instance: ref.instance },
        'a second instance of this worker runs, which the store does not know; it is left alone',
      );
    else if (is === 'running' || (is === 'created' && !isTaken && !atRest.has(there.life.phase))) there.adoptUnknown(ref.instance, counterIn(there, ref));
    there.keepFound();
    return null;
  }
  const generation = recognise(ref, runtime.name, known, at);
  const life = {
    ...newLife(at),
    reason: 'found on the host',
    generation: generation?.counter ?? null,
    instance: ref.instance,
    instanceGeneration: counterOf(ref),
  };
  const phase = is === 'exited' ? life : ({ ...life, phase: 'unresolved', unresolved: 'start' } as const);
  const made = crew.add(ref.worker, phase, generation === null ? [] : [generation], [record]);
  made.keepFound();
  crew.onFound(made);
  return made;
}

/** What is found of a worker that is just being forgotten is one more that the store does not know, once it is. */
async function enterAfter(forgotten: Supervisor, crew: Crew, enterNow: () => Supervisor | null): Promise<void> {
  const { worker } = forgotten;
  await crew.until(() => crew.get(worker) !== forgotten, new AbortController().signal);
  const made = enterNow();
  const one = crew.get(worker);
  if (one !== undefined && active.has(one.life.phase)) await one.look();
  if (made !== null && made.generation() !== null) await resume(crew, made);
}

const counterOf = ({ generation }: InstanceRef): number | null => {
  const counter = Number.parseInt(generation, 10);
  return Number.isSafeInteger(counter) && counter > 0 ? counter : null;
};

/** Which of its generations it is of, whatever it was called then: the same counter may stand for another definition since the store was lost. */
function counterIn(there: Supervisor, ref: InstanceRef): number | null {
  const [counter, digest] = [counterOf(ref), digestOf(ref)];
  if (there.generation() === null) return counter;
  const same = there.generations.filter((one) => one.digest === digest);
  return (same.find((one) => one.counter === counter) ?? same.at(-1))?.counter ?? unknownGeneration;
}

const digestOf = ({ generation }: InstanceRef): string => generation.split('-')[1] ?? '';

/** The generation of an instance, if the host file still says what its digest stands for. */
function recognise(ref: InstanceRef, runtime: string, { getConfig, key }: Known, at: string): GenerationRecord | null {
  const config = getConfig();
  const written = config?.workers[ref.worker]?.written;
  const counter = counterOf(ref);
  const digest = digestOf(ref);
  if (config === null || written === undefined || counter === null || generationDigest(key, written, runtime) !== digest) return null;
  return { worker: ref.worker, counter, digest, runtime, written, baseDir: config.baseDir, artifact: unknownArtifact, secrets: {}, createdAt: at };
}
