import type { Cancel, CoreClock } from '../base/clock.ts';
import type { StuckCalls } from '../base/stuck-calls.ts';
import type { InPlugin } from '../base/watchdog.ts';
import type { HealthRule, ProbeRule } from '../spec/index.ts';
import { Age } from './age.ts';
import { askProbe } from './ask.ts';
import { damp, type Flapping, steady } from './flapping.ts';
import { type AskNotified, Hearing } from './hearing.ts';
import type { Lateness } from './lateness.ts';
import { type AskLogs, LogReading } from './log-reading.ts';
import type { Matcher } from './matcher.ts';
import type { Opinion } from './opinion.ts';
import { type Endpoint, type ExecInWorker, inShort, type ProbeAnswer, type ProvidedProbe } from './prepared.ts';
import type { Slots } from './slots.ts';
import { type HealthMachine, isProven, newHealth, step } from './verdict.ts';

/** What all watches of a host share. */
export interface ProbeHost {
  readonly clock: CoreClock;
  readonly stuck: StuckCalls;
  readonly inPlugin: InPlugin;
  /** Those of plugins, by kind; looked up at each round. */
  readonly probes: ReadonlyMap<string, ProvidedProbe>;
  /** Nothing kept the agent's loop from running since then, by `monotonicMs` of the clock. */
  wasAwakeSince(monotonicMs: number): boolean;
}

export interface Verdict {
  readonly health: 'ok' | 'bad';
  /** What the last round found, for people. */
  readonly evidence: string;
  /** Counted failures in a row; 0 with `ok`. */
  readonly failures: number;
  /** How long it took: since the start for the first verdict, since the verdict before for the others; `null` for the first after adoption. */
  readonly afterMs: number | null;
}

export interface WatchGiven {
  readonly worker: string;
  readonly instance: string;
  readonly rule: HealthRule;
  /** By `monotonicMs` of the clock; may be negative. */
  readonly startedAtMs: number;
  /** Of an adopted instance: how it was left, `null` = not known. Absent: this agent has just started it. The first verdict is told in any case. */
  readonly initialHealth?: 'ok' | 'bad' | null | undefined;
  readonly endpoints: readonly Endpoint[];
  readonly exec: ExecInWorker | null;
  /** `null` = its runtime does not hear what it says of itself. */
  readonly notified: AskNotified | null;
  /** `null` = its runtime cannot be asked for what it printed. */
  readonly logs: AskLogs | null;
  /** `null` = its engine says nothing of its health, or that does not count. */
  readonly opinion: Opinion | null;
  /** Each time the health turns. Never before `watch` has returned, nor after the end of the watch. */
  onVerdict(verdict: Verdict): void;
}

/** Where the rounds of one watch have their place among those of its host. */
export interface Place {
  /** In each interval: from 0 up to 1, spread evenly. */
  readonly phase: number;
  /** Among those that come late, likewise: of neighbours in time it is not alike. */
  readonly turn: number;
  readonly lateness: Lateness;
}

/** Rounds that are due in the same one begin together: one wake of the agent for them all. */
const beatMs = 40;

/** Keeps asking the probes of one instance, a round after the other. */
export class HealthWatch {
  readonly #given: WatchGiven;
  readonly #host: ProbeHost;
  readonly #place: Place;
  readonly #slots: Slots;
  readonly #ended = new AbortController();
  readonly #hanging: Set<ProbeRule>;
  readonly #hearing: Hearing | null;
  readonly #log: LogReading | null;
  readonly #fileAge: Age;
  #flapping: Flapping = steady;
  #machine: HealthMachine;
  /** Of the last verdict, else of the start. */
  #sinceMs: number | null;
  #hasSpoken = false;
  #isAsking = false;
  /** Of what comes next: the timer, or the place in the queue. */
  #cancelNext: Cancel = () => {};

  constructor(given: WatchGiven, host: ProbeHost, place: Place, slots: Slots, matcher: Matcher, hanging: Set<ProbeRule>) {
    this.#given = given;
    this.#host = host;
    this.#place = place;
    this.#slots = slots;
    this.#hanging = hanging;
    this.#hearing = given.notified === null ? null : new Hearing(given.notified, host.clock, given.startedAtMs);
    this.#log = given.logs === null ? null : new LogReading(given.logs, given.initialHealth === 'ok', matcher, host.clock);
    // A file may be older than the instance.
    this.#fileAge = new Age(host.clock, Number.NEGATIVE_INFINITY);
    this.#machine = newHealth(given.initialHealth);
    this.#sinceMs = given.initialHealth === undefined ? given.startedAtMs : null;
    given.opinion?.onTurn(this.#turn);
    if (given.rule.probes.length === 0 && given.opinion !== null) this.#wait(0, this.#hear);
    else if (given.rule.probes.length === 0) this.#wait(given.rule.minUpMs - this.#upMs(), this.#lookAtClock);
    // Workers that start together are not asked all at once.
    else this.#wait((place.phase * this.#intervalMs()) / 4, this.#queue);
  }

  /** Ends it for good; a round under way is given up. */
  stop(): void {
    this.#cancelNext();
    this.#ended.abort(new Error('the watch has ended'));
  }

  #wait(ms: number, then: () => void): void {
    this.#cancelNext = this.#host.clock.after(Math.max(0, ms), then);
  }

  #upMs(): number {
    return this.#host.clock.monotonicMs() - this.#given.startedAtMs;
  }

  #intervalMs(): number {
    const { rule } = this.#given;
    return this.#machine.hasBeenOk ? rule.intervalMs : Math.min(rule.startIntervalMs, rule.intervalMs);
  }

  /** Once it was healthy its rounds keep to a beat, so that they stay spread. The first may come sooner or later than an interval, by half of one. */
  #untilBeatMs(beganMs: number): number {
    const { intervalMs } = this.#given.rule;
    const nowMs = this.#host.clock.monotonicMs();
    const offsetMs = this.#place.phase * intervalMs;
    const earliestMs = Math.max(nowMs, beganMs + intervalMs / 2);
    const dueMs = Math.ceil((earliestMs - offsetMs) / intervalMs) * intervalMs + offsetMs;
    return Math.ceil(dueMs / beatMs) * beatMs - nowMs;
  }

  /** Where the agent was held up, all that was due meanwhile comes one after another: within twice that time, or half an interval. */
  #waitForBeat(ms: number): void {
    const { clock } = this.#host;
    const { turn, lateness } = this.#place;
    const dueMs = clock.monotonicMs() + ms;
    this.#wait(ms, () => {
      const nowMs = clock.monotonicMs();
      const lateMs = nowMs - dueMs;
      if (lateMs <= beatMs) this.#queue();
      else this.#wait(Math.min(2 * lateness.of(nowMs, lateMs), this.#given.rule.intervalMs / 2) * turn, this.#queue);
    });
  }

  /** Without probes: up for long enough is ok. */
  readonly #lookAtClock = (): void => {
    const { minUpMs } = this.#given.rule;
    const upMs = this.#upMs();
    // A timer may fire a little early.
    if (upMs < minUpMs) this.#wait(minUpMs - upMs, this.#lookAtClock);
    else this.#take({ ok: true, evidence: `up for ${minUpMs / 1000} s` }, upMs, null);
  };

  /** Of an engine's opinion. What comes while a round is under way is heard at its end. */
  readonly #turn = (): void => {
    if (this.#isAsking || this.#ended.signal.aborted) return;
    this.#cancelNext();
    this.#wait(0, this.#given.rule.probes.length === 0 ? this.#hear : this.#queue);
  };

  /** Without probes of the agent's own: what the engine says is the verdict. */
  readonly #hear = (): void => {
    const answer = this.#given.opinion?.answer ?? null;
    if (answer !== null) this.#take(answer, this.#upMs(), this.#given.opinion);
    // That it has come to rest is told by no turn.
    if (this.#flapping.isHeld) this.#wait(this.#given.rule.intervalMs, this.#hear);
  };

  readonly #queue = (): void => {
    this.#cancelNext = this.#slots.take(() => void this.#round());
  };

  async #round(): Promise<void> {
    const beganMs = this.#host.clock.monotonicMs();
    const atMs = this.#upMs();
    let answers: readonly ProbeAnswer[];
    this.#isAsking = true;
    try {
      answers = await Promise.all(this.#given.rule.probes.map((rule) => this.#ask(rule)));
    } finally {
      this.#isAsking = false;
      this.#slots.release();
    }
    if (this.#ended.signal.aborted) return;
    // What the agent itself slept through says nothing about the worker.
    const verdict = this.#host.wasAwakeSince(beganMs) ? this.#judgeRound(answers, atMs) : null;
    if (this.#machine.hasBeenOk) this.#waitForBeat(this.#untilBeatMs(beganMs));
    else this.#wait(this.#intervalMs(), this.#queue);
    if (verdict !== null) this.#given.onVerdict(verdict);
  }

  #judgeRound(answers: readonly ProbeAnswer[], atMs: number): Verdict | null {
    const { opinion } = this.#given;
    const heard = opinion?.answer ?? null;
    const all = heard === null ? answers : [...answers, heard];
    const failed = all.filter(({ ok }) => !ok);
    // Good but for what the engine has yet to find out.
    if (failed.length === 0 && opinion !== null && heard === null) return null;
    const evidence = inShort((failed.length > 0 ? failed : all).map((one) => one.evidence).join('; '), 500);
    return this.#judge({ ok: failed.length === 0, evidence }, atMs, heard?.ok === false ? opinion : null);
  }

  #ask(rule: ProbeRule): Promise<ProbeAnswer> {
    const { clock, stuck, inPlugin, probes } = this.#host;
    const { worker, endpoints, exec, rule: health } = this.#given;
    return askProbe(rule, {
      ...{ clock, stuck, inPlugin, probes, worker, endpoints, exec, hearing: this.#hearing, log: this.#log, fileAge: this.#fileAge },
      ...{ timeoutMs: health.timeoutMs, hanging: this.#hanging, signal: this.#ended.signal },
    });
  }

  #take(round: ProbeAnswer, atMs: number, settledBy: Opinion | null): void {
    const verdict = this.#judge(round, atMs, settledBy);
    if (verdict !== null) this.#given.onVerdict(verdict);
  }

  /** `settledBy`: whose word it is, where the rule need not count. */
  #judge({ ok, evidence }: ProbeAnswer, atMs: number, settledBy: Opinion | null): Verdict | null {
    const settled = settledBy === null ? {} : { settled: { failures: settledBy.failures } };
    const { state, change } = step(this.#machine, this.#given.rule, { ok, atMs, ...settled });
    this.#machine = state;
    const { health } = state;
    if (health === 'starting') return null;
    const { intervalMs } = this.#given.rule;
    const damped = damp(this.#flapping, { health, change, atMs, intervalMs });
    this.#flapping = damped.state;
    const isFirst = !this.#hasSpoken && isProven(state, this.#given.rule);
    const told = damped.told ?? (isFirst ? health : null);
    if (told === null) return null;
    const nowMs = this.#host.clock.monotonicMs();
    const afterMs = this.#sinceMs === null ? null : nowMs - this.#sinceMs;
    this.#hasSpoken = true;
    this.#sinceMs = nowMs;
    return { health: told, evidence: damped.note === '' ? evidence : `${damped.note}: ${evidence}`, failures: state.failures, afterMs };
  }
}
