import type { RestartRule } from '../../src/spec/index.ts';
import type { JournalRecord } from '../../src/store/index.ts';
import { startCauses } from '../../src/supervise/cause.ts';
import type { View } from './invariants.ts';

/** What the entries that are read here tell. */
interface Told {
  readonly code?: number | string | null;
  readonly signal?: string | null;
  readonly afterMs?: number | null;
  readonly outcome?: string;
  readonly cause?: string;
  readonly failures?: number;
  readonly delayMs?: number;
  readonly nextTryAt?: string;
  readonly tookMs?: number;
  readonly generation?: number | null;
  readonly to?: number;
}

/** Of one worker, by its journal alone. */
interface Course {
  /** In a row, as the rules count them; `null` = not told. */
  failures: number | null;
  /** What ended, or failed, and was not followed by anything yet. */
  open: 'exit' | 'start' | 'unhealthy' | 'memory' | null;
  exit: Told | null;
  /** It was being stopped when it ended. */
  stopping: string | null;
  /** It was out of sight since it began: an end then may have been its engine's, which counts against nothing. */
  wasBlind: boolean;
  /** Epoch ms; `null` = not told. */
  startedMs: number | null;
  /** Epoch ms: since when it was being started. What is told late, or by a clock that was set, may have run since then. */
  startingMs: number | null;
  /** It was begun again since the outcome of its start was not known, and that of this one is not known either: where nothing came of it, it failed. */
  isUnanswered: boolean;
  isAgain: boolean;
  /** What somebody wished of it is told only with its next start: until then nobody can say how many failures count. */
  isWished: boolean;
  wishes: number;
  /** Its probes failed, and its rule for that is to stop it. */
  isLeftDown: boolean;
  /** The generations that it was started of, and that is to run; `null` = not told. */
  startedOf: number | null;
  wanted: number | null;
  /** It was declared anew since it was told to run, and is no run of a schedule, which goes on with that all the same. */
  isChanged: boolean;
  /** By the last backoff: why it is to be started then. */
  after: readonly string[] | null;
  /** By the last backoff: how many failures, for the entry that tells of a crash loop. */
  waits: number | null;
}

const fresh = (): Course => ({
  failures: 0,
  open: null,
  exit: null,
  stopping: null,
  wasBlind: false,
  startedMs: null,
  startingMs: null,
  isUnanswered: false,
  isAgain: false,
  isWished: false,
  wishes: 0,
  isLeftDown: false,
  startedOf: null,
  wanted: null,
  isChanged: false,
  after: null,
  waits: null,
});
const byFailure: ReadonlySet<string> = new Set([startCauses.exited, startCauses['start-failed'], startCauses.unhealthy, startCauses.memory]);
/** Nothing is known to have failed: the count stays. */
const byOthers: ReadonlySet<string> = new Set([startCauses.again, startCauses.engine]);
/** Somebody asked for it: what was before counts no more. */
const byWish: ReadonlySet<string> = new Set(
  ['user', 'restart', 'changed', 'dependency', 'age', 'at'].map((one) => startCauses[one as keyof typeof startCauses]),
);
/** What tells that nothing came of a start, and what tells that something did. */
const follows: ReadonlySet<string> = new Set(['worker.backoff', 'worker.failed', 'worker.starting', 'worker.waiting', 'worker.start-failed']);
const ends: ReadonlySet<string> = new Set([...follows, 'worker.started', 'worker.adopted', 'worker.exited', 'worker.stopped', 'worker.removed']);
const loopFrom = 5;
const causesAfter: Readonly<Record<NonNullable<Course['open']>, readonly string[]>> = {
  exit: [startCauses.exited],
  start: [startCauses['start-failed'], startCauses.again],
  unhealthy: [startCauses.unhealthy, startCauses.exited],
  memory: [startCauses.memory],
};

/** What followed each end and each failed start, judged by the rules of docs/host-file.md, not by the code that decided it. */
export class Restarts {
  readonly #courses = new Map<string, Course>();
  #at = 0;
  #jumps = 0;

  wrong(view: View): string | null {
    const { journal } = view.disk;
    // By the clock nobody can tell any more for how long those have run that run now.
    if (view.jumps !== this.#jumps) for (const course of this.#courses.values()) course.startedMs = null;
    this.#jumps = view.jumps;
    for (; this.#at < journal.length; this.#at++) {
      const entry = journal[this.#at]!;
      if (entry.worker === null) continue;
      const course = this.#courses.get(entry.worker) ?? fresh();
      this.#courses.set(entry.worker, course);
      const one = view.agent?.crew.get(entry.worker);
      // By which it was decided: it may have been declared anew before that was written down.
      const rules = one?.normal(one.generation(course.wanted ?? undefined))?.rules;
      const wishes = view.wishes.get(entry.worker) ?? 0;
      course.isWished ||= wishes !== course.wishes;
      course.wishes = wishes;
      // A run that is due begins a new count, and is told of only once it is started.
      if (rules?.kind === 'cron' || course.isWished) course.failures = null;
      // Its runs end by themselves, each of its own generation.
      if (rules?.kind === 'cron') Object.assign(course, { startedOf: null, isChanged: false });
      if (course.isWished || ['worker.declared', 'worker.changed', 'worker.removed'].includes(entry.type)) course.isLeftDown = false;
      if (entry.type === 'worker.unhealthy' && rules?.health.onUnhealthy === 'stop') course.isLeftDown = true;
      if (entry.type === 'worker.starting' && course.isLeftDown) return `${entry.worker} is started, and was to be left down when its probes failed`;
      if (course.isWished || rules?.kind === 'cron' || !['worker.starting', 'worker.waiting', 'worker.backoff', 'worker.crash-looping'].includes(entry.type))
        course.after = null;
      // Of what was found, and not declared since, the definition may have been another.
      const isFound = course.wanted === null && entry.type !== 'worker.declared' && entry.type !== 'worker.changed';
      const text = rules === undefined || isFound ? unjudged(course) : next(course, entry, rules.restart);
      // A shutdown is no wish: what failed before it counts on, whoever finds it stopped.
      const isAtRest = view.disk.workers.get(entry.worker)?.phase === 'idle';
      if (entry.type === 'worker.stopped' && isAtRest && course.open === null) course.failures = null;
      // What may be found of it later is of another count.
      if (entry.type === 'worker.removed') this.#courses.delete(entry.worker);
      if (text !== null) return `${entry.worker}: ${text}`;
    }
    return null;
  }
}

/** Without its definition nobody can say what it asks for. */
function unjudged(course: Course): null {
  Object.assign(course, { failures: null, open: null, exit: null, stopping: null, waits: null });
  return null;
}

function next(course: Course, { type, at, data }: JournalRecord, rule: RestartRule): string | null {
  const told = data as Told;
  if (course.isUnanswered && ends.has(type)) {
    course.isUnanswered = false;
    if (follows.has(type)) course.open ??= 'start';
  }
  switch (type) {
    case 'worker.declared':
    case 'worker.changed':
      // Before it or after it, what came of its last start may have been counted.
      Object.assign(course, {
        failures: course.isUnanswered ? null : 0,
        open: null,
        wanted: told.to ?? told.generation ?? null,
        isChanged: type === 'worker.changed',
      });
      return null;
    // What was on its way then goes on with its count.
    case 'worker.released':
      Object.assign(course, { failures: null, open: null });
      return null;
    case 'worker.stopping':
      course.stopping = told.cause ?? null;
      // Taken for steady, and the count begun anew: nothing tells of that, and the timer of it may have been late.
      if (mayBeSteady(course, Date.parse(at), rule)) course.failures = null;
      return null;
    case 'worker.blind':
      course.wasBlind = true;
      return null;
    case 'worker.exited':
      course.exit = told;
      // With its engine it counts for nothing, however long it ran.
      if (isLate(course, told, Date.parse(at), rule) || (course.wasBlind && mayBeSteady(course, Date.parse(at), rule))) course.failures = null;
      course.open = course.stopping === null ? 'exit' : null;
      // What was to be of another generation is no failure of this one.
      if (course.startedOf !== null && course.wanted !== null && course.startedOf !== course.wanted) Object.assign(course, { open: null, failures: null });
      return null;
    case 'worker.stopped':
      course.open = told.cause === 'unhealthy' || told.cause === 'timeout' ? 'unhealthy' : told.cause === 'memory' ? 'memory' : null;
      course.stopping = null;
      // Asked for: what follows begins a new count.
      if (course.open === null) course.failures = told.cause === 'shutdown' ? null : 0;
      // Nor is what it was stopped for one of what it was changed to meanwhile.
      if (course.isChanged) Object.assign(course, { open: null, failures: null });
      return null;
    case 'worker.start-failed': {
      // The try before it, where there was one, came at once: a preparation that fails tells of nothing else.
      const text = course.open === null ? null : atOnce(course, rule);
      course.open = told.outcome === 'no' && told.code !== 'engine-down' && told.code !== 'engine-hung' ? 'start' : null;
      course.isUnanswered = told.outcome !== 'no' && course.isAgain;
      course.exit = null;
      return text;
    }
    case 'worker.started':
      course.startedMs = Math.min(Date.parse(at) - (told.tookMs ?? 0), course.startingMs ?? Number.POSITIVE_INFINITY);
      Object.assign(course, { open: null, exit: null, stopping: null, wasBlind: false, isChanged: false });
      return null;
    case 'worker.adopted':
      Object.assign(course, { open: null, exit: null, stopping: null, wasBlind: false, isChanged: false });
      return null;
    case 'worker.held':
    case 'worker.removed':
      Object.assign(course, { open: null, failures: null });
      return null;
    case 'worker.done':
      return done(course, told, rule);
    case 'worker.failed':
      return failed(course, rule);
    case 'worker.backoff':
      return backoff(course, told, rule, at);
    case 'worker.starting':
      course.startingMs = Date.parse(at);
      return starting(course, told, rule);
    case 'worker.crash-looping':
      return told.failures === loopFrom && (course.waits ?? loopFrom) === loopFrom ? null : `a crash loop is told at ${told.failures} failures`;
    default:
      return null;
  }
}

const isGood = ({ successCodes }: RestartRule, { code, signal }: Told): boolean => signal === null && typeof code === 'number' && successCodes.includes(code);

/** It was noticed when the worker had been taken for steady, and the count begun anew. */
function isLate(course: Course, { afterMs }: Told, nowMs: number, rule: RestartRule): boolean {
  const { resetAfterMs } = rule;
  return !(resetAfterMs !== null && typeof afterMs === 'number' && afterMs >= resetAfterMs) && mayBeSteady(course, nowMs, rule);
}

/** Also where the host's clock was set since its start: nobody can tell then. */
function mayBeSteady({ startedMs }: Course, nowMs: number, { resetAfterMs }: RestartRule): boolean {
  // Its start is told to the millisecond, what that took to a part of one.
  return resetAfterMs !== null && (startedMs === null || nowMs < startedMs || nowMs - startedMs >= resetAfterMs - 1);
}

/** How many there were before the one that is open now. */
function before({ failures, open, exit, wasBlind }: Course, { resetAfterMs }: RestartRule): number | null {
  if (open === 'exit' && wasBlind) return null;
  const ranMs = exit?.afterMs ?? null;
  // Nobody knows how long it ran until it was stopped for its memory.
  if (open === 'memory' || (open === 'exit' && ranMs === null)) return failures === 0 ? 0 : null;
  return open === 'exit' && ranMs !== null && resetAfterMs !== null && ranMs >= resetAfterMs ? 0 : failures;
}

function done(course: Course, told: Told, rule: RestartRule): string | null {
  const { exit, open } = course;
  course.open = null;
  course.failures = 0;
  if (exit === null || open !== 'exit') return 'it is done, and did not end by itself';
  if (exit.code !== told.code || !isGood(rule, exit)) return `it is done with code ${told.code}, and ended with ${exit.signal ?? exit.code}`;
  return rule.policy === 'never' || rule.policy === 'on-failure' ? null : `it is done, and its policy is ${rule.policy}`;
}

function failed(course: Course, rule: RestartRule): string | null {
  const { open, exit } = course;
  const count = before(course, rule);
  // It counts on where somebody starts it by hand.
  Object.assign(course, { open: null, failures: count === null ? null : count + 1 });
  if (open === null) return 'it failed, and nothing of it did';
  const hasFailed = open !== 'exit' || (exit !== null && !isGood(rule, exit));
  const isKeptDown = hasFailed && (rule.policy === 'never' || (open === 'exit' && rule.policy === 'on-success'));
  if (isKeptDown) return null;
  if (rule.giveUp === null) return `it is given up, and its policy ${rule.policy} never does that`;
  return count === null || count + 1 > rule.giveUp ? null : `it is given up after ${count + 1} failures, ${rule.giveUp} may be`;
}

/** Whether a further try is what the policy asks for. */
function mayTry({ open, exit, wasBlind }: Course, rule: RestartRule): string | null {
  if (open !== 'exit' || exit === null || wasBlind) return null;
  const isSuccess = isGood(rule, exit);
  const isAsked = rule.policy === 'always' || (rule.policy === 'on-failure' && !isSuccess) || (rule.policy === 'on-success' && isSuccess);
  return isAsked ? null : `it ended with ${exit.signal ?? exit.code}, is tried again, and its policy is ${rule.policy}`;
}

function backoff(course: Course, { delayMs = 0, failures = 0, nextTryAt = '' }: Told, rule: RestartRule, at: string): string | null {
  const { open } = course;
  const count = before(course, rule);
  const unasked = mayTry(course, rule);
  Object.assign(course, { failures, open: null, exit: null, waits: failures, after: open === null ? null : causesAfter[open] });
  if (open === null) return 'it waits for another try, and nothing of it failed';
  if (unasked !== null) return unasked;
  if (count !== null && failures !== count + 1) return `${failures} failures are told, ${count + 1} were`;
  if (rule.giveUp !== null && failures > rule.giveUp) return `it is tried again after ${failures} failures, ${rule.giveUp} may be`;
  const plain = usualDelayMs(rule, failures);
  const { jitter } = rule.backoff;
  if (delayMs < Math.floor(plain * (1 - jitter)) || delayMs > Math.ceil(plain * (1 + jitter)))
    return `it waits ${delayMs} ms after ${failures} failures, ${plain} would be usual`;
  return Date.parse(nextTryAt) - Date.parse(at) === delayMs ? null : `it waits ${delayMs} ms, and its next try is at ${nextTryAt}, told at ${at}`;
}

/** Doubled (or as the rule says) for each, up to the longest; the first has its own. */
function usualDelayMs({ backoff: { firstMs, minMs, maxMs, factor } }: RestartRule, failures: number): number {
  if (failures === 1) return firstMs;
  let ms = minMs;
  for (let more = 2; more < failures && ms < maxMs; more += 1) ms *= factor;
  return Math.min(ms, maxMs);
}

function starting(course: Course, { cause = '', generation = null }: Told, rule: RestartRule): string | null {
  const { after } = course;
  course.after = null;
  course.isAgain = cause === startCauses.again;
  // Of a shutdown in between nothing is told.
  if (after !== null && !after.includes(cause) && cause !== startCauses.declared)
    return `it is started because ${cause}, and had waited because ${after.join(' or ')}`;
  const isOfFailure = course.open !== null && (byFailure.has(cause) || (course.open === 'start' && cause === startCauses.again));
  const text = isOfFailure ? atOnce(course, rule) : null;
  if (byWish.has(cause)) course.failures = 0;
  else if (!byOthers.has(cause) && !byFailure.has(cause)) course.failures = null;
  Object.assign(course, { open: null, exit: null, stopping: null, wasBlind: false, isWished: false, waits: null, startedOf: generation, isChanged: false });
  return text;
}

/** Without a wait, which would have told the count. */
function atOnce(course: Course, rule: RestartRule): string | null {
  const count = before(course, rule);
  const unasked = mayTry(course, rule);
  course.failures = count === null ? null : count + 1;
  if (unasked !== null || count === null) return unasked;
  if (rule.giveUp !== null && count + 1 > rule.giveUp) return `it is started again after ${count + 1} failures, ${rule.giveUp} may be`;
  return usualDelayMs(rule, count + 1) < 1 ? null : `it is started again at once after ${count + 1} failures`;
}
