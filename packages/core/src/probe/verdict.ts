import type { HealthRule } from '../spec/index.ts';

/** What the rounds of probes so far say of one instance. Make one with {@link newHealth}, move it with {@link step}. */
export interface HealthMachine {
  readonly health: 'starting' | 'ok' | 'bad';
  /** Once it was ok, there is no grace for its start any more. */
  readonly hasBeenOk: boolean;
  /** Counted failures in a row; 0 after a good round. */
  readonly failures: number;
  /** Good rounds in a row. */
  readonly successes: number;
  /** When the last failure was counted, in ms since the start. */
  readonly countedAtMs: number | null;
  /** The last round was one of an engine that had counted by itself. */
  readonly isSettled: boolean;
}

/** One round: all probes were good or not. `atMs`: when it began, since the start of the instance. */
export interface HealthEvent {
  readonly ok: boolean;
  readonly atMs: number;
  /** An engine has counted by itself, in a row so many failures: it turns the health at once. Absent: the rule counts. */
  readonly settled?: { readonly failures: number } | undefined;
}

/** `known`: how an agent before this one left it. */
export const newHealth = (known: 'ok' | 'bad' | null = null): HealthMachine => ({
  health: known ?? 'starting',
  hasBeenOk: known === 'ok',
  failures: 0,
  successes: 0,
  countedAtMs: null,
  isSettled: false,
});

/**
 * Takes one round into account. `change` is the new health where this round turned it. Bad after `retries` failures in a row, ok after `successes`
 * good rounds in a row; without probes ok once it is up for `minUpMs`. Until it was ok for the first time, failures within `startPeriodMs` do not
 * count, and after that at most one in `intervalMs`: to ask more often while it starts finds it ok sooner, never bad sooner.
 */
export function step(state: HealthMachine, rule: HealthRule, event: HealthEvent): { readonly state: HealthMachine; readonly change: 'ok' | 'bad' | null } {
  const told = { ...state, isSettled: event.settled !== undefined };
  return event.ok ? good(told, rule, event.atMs) : failed(told, rule, event);
}

/** Enough rounds were seen for the health to be more than what was known before. */
export function isProven({ health, successes, failures, isSettled }: HealthMachine, rule: HealthRule): boolean {
  if (health === 'starting') return false;
  if (isSettled) return true;
  return health === 'ok' ? rule.probes.length === 0 || successes >= rule.successes : failures >= rule.retries;
}

function good(state: HealthMachine, rule: HealthRule, atMs: number): ReturnType<typeof step> {
  const next: HealthMachine = { ...state, failures: 0, successes: state.successes + 1, countedAtMs: null };
  const isOk = state.isSettled || (rule.probes.length === 0 ? atMs >= rule.minUpMs : next.successes >= rule.successes);
  if (!isOk || state.health === 'ok') return { state: next, change: null };
  return { state: { ...next, health: 'ok', hasBeenOk: true }, change: 'ok' };
}

function failed(state: HealthMachine, rule: HealthRule, { atMs, settled }: HealthEvent): ReturnType<typeof step> {
  const broken: HealthMachine = { ...state, successes: 0 };
  if (settled === undefined && !counts(state, rule, atMs)) return { state: broken, change: null };
  const next: HealthMachine = { ...broken, failures: settled?.failures ?? state.failures + 1, countedAtMs: atMs };
  if ((settled === undefined && next.failures < rule.retries) || state.health === 'bad') return { state: next, change: null };
  return { state: { ...next, health: 'bad' }, change: 'bad' };
}

function counts(state: HealthMachine, rule: HealthRule, atMs: number): boolean {
  if (state.hasBeenOk || state.health === 'bad') return true;
  if (atMs < rule.startPeriodMs) return false;
  // Rounds do not come to the millisecond: the one nearest to the interval counts.
  const leastMs = rule.intervalMs - Math.min(rule.startIntervalMs, rule.intervalMs) / 2;
  return state.countedAtMs === null || atMs - state.countedAtMs >= leastMs;
}
