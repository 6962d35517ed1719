import type { Found, InstanceRef, Observed, Target } from '@ostler/sdk';
import { Mailbox } from '../base/mailbox.ts';
import type { Normal } from '../spec/index.ts';
import type { Batch, GenerationRecord, InstanceRecord } from '../store/index.ts';
import { beginsRun } from './cause.ts';
import { Effects } from './effects.ts';
import { fallbackRules } from './fallback-rules.ts';
import { Forgetting } from './forgetting.ts';
import { Instances } from './instances.ts';
import type { Effect, Life, LifeEvent, Move, Scene } from './life.ts';
import { toEntry, toRecord } from './record.ts';
import { Saver } from './saver.ts';
import type { Services } from './services.ts';
import { isHiddenBy, isNowhere } from './sight.ts';
import type { Live, Subject } from './subject.ts';
import { Timers } from './timers.ts';
import { transition } from './transition.ts';

export interface SupervisorGiven {
  readonly worker: string;
  readonly services: Services;
  readonly life: Life;
  readonly generations: readonly GenerationRecord[];
  readonly instances: readonly InstanceRecord[];
  /** After each change that was persisted. */
  onChange(supervisor: Supervisor, before: Life): void;
  onForgotten(worker: string): void;
}

/**
 * Keeps one worker running: takes events one after another, lets the table decide, persists what it decided, and only then acts. What it begins
 * comes back as an event. Decisions do not wait for the disk, what they lead to does: those of one turn of the loop (it ended, is prepared again,
 * shall start) are one batch.
 */
export class Supervisor implements Subject {
  readonly worker: string;
  readonly services: Services;
  readonly instances: Instances;
  readonly #given: SupervisorGiven;
  readonly #generations: Map<number, GenerationRecord>;
  readonly #mailbox = new Mailbox();
  readonly #effects: Effects;
  readonly #timers: Timers;
  readonly #saver: Saver;
  #life: Life;
  #live: Live | null = null;
  #isClosed = false;
  #isForgotten = false;
  readonly #forgetting = new Forgetting(this, () => this.#forget());

  constructor(given: SupervisorGiven) {
    this.worker = given.worker;
    this.services = given.services;
    this.#given = given;
    this.#life = given.life;
    this.#generations = new Map(given.generations.map((one) => [one.counter, one]));
    this.instances = new Instances(given.worker, given.instances, given.life.instance);
    if (given.life.instance !== null && !isBeforeRun(given.life)) this.instances.begin(given.life.instance, given.life.runs);
    this.#effects = new Effects(this);
    this.#timers = new Timers(this, (text) => this.#effects.masked(text));
    this.#saver = new Saver(this);
  }

  get life(): Life {
    return this.#life;
  }
  get live(): Live | null {
    return this.#life.phase === 'running' && this.#live?.instance === this.#life.instance ? this.#live : null;
  }
  get isClosed(): boolean {
    return this.#isClosed;
  }
  get isForgotten(): boolean {
    return this.#isForgotten;
  }
  generation(counter: number | null = this.#life.generation): GenerationRecord | null {
    return counter === null ? null : (this.#generations.get(counter) ?? null);
  }
  get generations(): readonly GenerationRecord[] {
    return [...this.#generations.values()];
  }
  /** Of the generation that is to run; `null` when it is not known or no longer fits today's schema. */
  normal(generation: GenerationRecord | null = this.generation()): Normal | null {
    try {
      return generation === null ? null : this.services.normal(generation);
    } catch {
      return null;
    }
  }
  /** Of the instance that is there, else of the next one. */
  runtimeName(): string | null {
    const { instance } = this.#life;
    return (instance === null ? null : this.instances.get(instance)?.runtime) ?? this.generation()?.runtime ?? null;
  }

  /** The ref and the cached handle of an instance; default: the present one. */
  target(instance: string | null = this.#life.instance): Target | null {
    const record = instance === null ? null : this.instances.get(instance);
    return record === null || record === undefined ? null : { ref: this.#ref(record), handle: record.handle };
  }
  #ref(record: InstanceRecord): InstanceRef {
    return { agent: this.services.agentId, worker: this.worker, generation: record.generation, instance: record.instance };
  }

  /** Learns a generation that was persisted; which one is to run comes by the event `declare`. */
  learn(generation: GenerationRecord): void {
    this.#generations.set(generation.counter, generation);
  }

  /** Persisted before all that is decided from here on, and after what was found on the host, which may be on its way to the disk still. */
  pin(generation: GenerationRecord): void {
    this.learn(generation);
    void this.#saver.save({ generations: [generation] });
  }

  /** Resolves when the event was decided on and persisted; what it leads to may go on. */
  async send(event: LifeEvent): Promise<void> {
    await this.sendAll(() => [event]);
  }

  /** As `send`, of what follows from the life that it has when their turn comes: what was sent before may change it. */
  async sendAll(events: () => readonly LifeEvent[]): Promise<void> {
    const taken = await this.#mailbox.post(() => (this.#isClosed ? [] : events().map((event) => this.#take(event))));
    await Promise.all(taken.map(({ saved }) => saved));
  }

  /** Resolves when all that was decided on it is persisted. */
  settled(): Promise<void> {
    return this.#saver.settled();
  }

  /** Timers and probes as the life says it: after adoption, when nothing has moved yet. */
  begin(): void {
    this.#timers.begin();
  }

  /** An instance that runs and that the store does not know takes the place of the one that ended last. */
  adoptUnknown(instance: string, instanceGeneration: number | null): void {
    // A new epoch, as every phase has: what was on its way to the one before must not be taken for an answer to this one.
    const epoch = this.#life.epoch + 1;
    const since = this.services.clock.isoNow();
    const found = { phase: 'unresolved', unresolved: 'start', mayCome: false, nextTryAt: null, reason: 'found on the host', since } as const;
    this.#life = { ...this.#life, ...found, instance, instanceGeneration, epoch };
    this.#effects.align(this.#life, []);
  }

  /** What was found on the host and stands in no store yet: before anything that follows from it. */
  keepFound(): void {
    void this.#saver.save({ workers: [toRecord(this.worker, this.#life)], instances: this.instances.all(), generations: this.generations, journal: [] });
  }

  /** Asks the runtime what is there. What runs and was neither started nor seen by this agent is taken over with it. */
  look(): Promise<void> {
    return this.#effects.look();
  }

  signal(name: string, by: string): Promise<void> {
    return this.#effects.signal(name, by);
  }

  /** Ends timers and probes; calls under way are left alone. Nothing is stopped. Resolves when what was decided is persisted, or never will be. */
  close(): Promise<void> {
    this.#isClosed = true;
    this.#forgetting.close();
    this.#timers.close();
    this.#effects.close();
    return this.#saver.settled();
  }

  /** What was seen, as the event that tells it. */
  async observe(found: Found, how: 'started' | 'adopted' | 'looked', tookMs: number): Promise<void> {
    const { instance } = this.#life;
    if (found.is === 'running') {
      this.#live = liveOf(found);
      this.#timers.hear();
    }
    const record = instance === null ? null : this.instances.get(instance);
    const isSameEngine = found.is !== 'gone' || record === null || record.engine === null || record.engine === found.engine;
    // Another store of its engine cannot see it either, nor need it see what has ended.
    const { blind } = this.#life;
    // Read before it is in sight again: until its end is told it would be taken for what it was.
    const lastLines = found.is === 'exited' ? await this.#effects.lastLines(found) : [];
    const sighted = this.#life.blind !== null && (isSameEngine || isNowhere(this)) ? this.send({ type: 'sighted' }) : null;
    await Promise.all([sighted, this.#tell(found, isSameEngine, isWithEngine(found, blind, how), how, tookMs, lastLines)]);
  }

  /** Without a pause after what was seen before: until it is persisted, it may be true no more. */
  async #tell(
    found: Found,
    isSameEngine: boolean,
    isWithEngine: boolean,
    how: 'started' | 'adopted' | 'looked',
    tookMs: number,
    lastLines: readonly string[],
  ): Promise<void> {
    const { instance } = this.#life;
    if (found.is === 'gone') {
      if (instance === null || this.instances.get(instance) === null) return;
      return this.send({ type: 'gone', seen: { instance, engine: found.engine }, isSameEngine, isWithEngine });
    }
    const seen = { instance: found.ref.instance, handle: found.handle, engine: found.engine };
    if (found.is === 'running') {
      const pid = found.pid ?? null;
      return this.send({ type: 'running', seen: { ...seen, startedAt: found.startedAt, pid }, how, tookMs });
    }
    if (found.is === 'created') return this.send({ type: 'created', seen, isWithEngine });
    const { exit, left = [], stopSignal = 'SIGTERM' } = found;
    return this.send({ type: 'exited', seen, exit, left, stopSignal, lastLines, isWithEngine });
  }

  /** `generation`: whose rules count; the one that is to run, and at its declaration already the new one. */
  scene(generation: number | null = this.#life.generation): Scene {
    const { clock } = this.services;
    const nowMs = clock.nowMs();
    const [wanted, its] = [this.normal(this.generation(generation)), this.normal(this.generation(this.#life.instanceGeneration))];
    const rules = (wanted ?? its)?.rules ?? fallbackRules;
    const dueMs = rules.schedule === null ? null : this.services.nextDue(rules.schedule, nowMs);
    return {
      at: clock.isoNow(),
      nowMs,
      rules,
      newInstance: this.services.newInstanceId,
      random: this.services.random(),
      isDefined: this.generation(this.#life.instanceGeneration) !== null,
      isRunOfSchedule: (its ?? wanted)?.rules.kind === 'cron',
      missing: this.services.missing(this.worker),
      dependencies: this.services.dependencies(this.worker),
      nextDueAt: dueMs === null ? null : new Date(dueMs).toISOString(),
    };
  }

  /** `saved` resolves when the decision is persisted and what it leads to has begun. */
  #take(event: LifeEvent): { readonly saved: Promise<void> } {
    if (event.type === 'blind' && !isHiddenBy(this, event.runtime)) return nothingMoved;
    const scene = this.scene(event.type === 'declare' ? event.generation : undefined);
    const before = this.#life;
    const decided = transition(before, event, scene);
    if (decided.is === 'impossible')
      this.services.log.error({ worker: this.worker, event: event.type, phase: before.phase }, 'a bug: this event cannot happen in this phase');
    // That all is as wished already is true once it is persisted.
    if (decided.is !== 'moved') return { saved: this.#saver.settled() };
    const { move } = decided;
    const changed = this.instances.after(before, move.life, event, scene.at, (counter) => this.generation(counter));
    this.#life = move.life;
    this.instances.keep(changed);
    const { instance, phase, runs } = move.life;
    // One of a run before that runs after all is the present one's.
    if (instance !== null && (instance !== before.instance || (phase === 'running' && before.phase !== 'running'))) this.instances.begin(instance, runs);
    const saving = this.#saver.save(this.#batch(move, changed, scene.at));
    this.#effects.align(move.life, move.effects);
    for (const effect of move.effects) if (isHarmless(effect)) this.#effects.run(effect, move.life);
    this.#timers.align(before);
    this.#given.onChange(this, before);
    return { saved: this.#act(move, saving) };
  }

  /** What changes something outside: not before it is persisted that this is wanted. */
  async #act({ effects, life }: Move, saving: Promise<boolean>): Promise<void> {
    if (!(await saving)) return;
    for (const effect of effects) {
      // Not waited for: the stop that led here is itself a call that removals wait for.
      if (effect.do === 'forget') this.#forgetting.ifSure();
      else if (!isHarmless(effect)) this.#effects.run(effect, life);
    }
  }

  #batch(move: Move, changed: readonly InstanceRecord[], at: string): Batch {
    const journal = move.facts.map((fact) => toEntry({ at, worker: this.worker, instance: move.life.instance }, fact));
    return { workers: [toRecord(this.worker, move.life)], instances: changed, journal };
  }

  /** The instances of a worker that is no more, then its rows. What cannot be removed now stays listed and is found again at the next start. */
  async #forget(): Promise<void> {
    this.#isForgotten = true;
    void this.close();
    await this.#effects.removeAll();
    await this.#saver.save({ forgetWorkers: [this.worker] });
    this.#given.onForgotten(this.worker);
  }
}

const liveOf = ({ ref, pid, endpoints, health, lastCheck }: Observed & { readonly is: 'running' }): Live => ({
  ...{ instance: ref.instance, pid: pid ?? null, endpoints, health: health ?? null, lastCheck },
});

/** So long before the agent noticed it, an engine may have been lost: two pings, and their deadlines. */
const noticeMs = 15_000;

/** It ended while its runtime could not be asked, or shortly before that was noticed; since when, an agent that never could ask does not know. */
function isWithEngine(found: Found, blind: Life['blind'], how: 'started' | 'adopted' | 'looked'): boolean {
  if (blind === null || found.is === 'running') return false;
  if (how === 'adopted' || found.is !== 'exited' || found.exit.at === null) return true;
  return Date.parse(found.exit.at) >= Date.parse(blind.since) - noticeMs;
}

/** Its instance is of the run before. */
const isBeforeRun = ({ phase, startCause }: Life): boolean => (phase === 'waiting' || phase === 'preparing') && beginsRun.has(startCause);

const nothingMoved = { saved: Promise.resolve() };
const isHarmless = (effect: Effect): effect is Extract<Effect, { do: 'prepare' | 'inspect' }> => effect.do === 'prepare' || effect.do === 'inspect';
