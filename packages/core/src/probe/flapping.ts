/** Whether the health of one instance flips so often that it is told once, as flapping. Begin with {@link steady}, move it with {@link damp}. */
export interface Flapping {
  /** When it turned bad, in ms since the start; the last ones alone. */
  readonly badAtMs: readonly number[];
  /** It stays told as bad, whatever it turns to, until it was ok for long enough. */
  readonly isHeld: boolean;
  /** Held, and ok since then. */
  readonly okSinceMs: number | null;
}

/** One round: what the health is after it, and what this round turned it to. */
export interface Turn {
  readonly health: 'ok' | 'bad';
  readonly change: 'ok' | 'bad' | null;
  /** Since the start of the instance. */
  readonly atMs: number;
  readonly intervalMs: number;
}

export interface Damped {
  readonly state: Flapping;
  /** What is to be told; `null` = nothing. */
  readonly told: 'ok' | 'bad' | null;
  /** Stands before the evidence; '' = nothing. */
  readonly note: string;
}

export const steady: Flapping = { badAtMs: [], isHeld: false, okSinceMs: null };

/** So many turns to bad within the time are flapping. */
const manyTurns = 4;
const withinMs = 600_000;
/** It must be ok for so long before it is told ok again; one that is asked seldom for so many rounds. */
const calmMs = 120_000;
const calmRounds = 3;

/** Passes each turn on until there are too many: the last of those is told as flapping, and then only that it has come to rest. */
export function damp(state: Flapping, { health, change, atMs, intervalMs }: Turn): Damped {
  if (change === 'bad') return bad(state, atMs);
  if (!state.isHeld) return { state, told: change, note: '' };
  if (health === 'bad') return { state, told: null, note: '' };
  const okSinceMs = state.okSinceMs ?? atMs;
  const isCalm = atMs - okSinceMs >= Math.max(calmMs, calmRounds * intervalMs);
  if (!isCalm) return { state: { ...state, okSinceMs }, told: null, note: '' };
  return { state: steady, told: 'ok', note: `flaps no more, good for ${seconds(atMs - okSinceMs)}` };
}

function bad(state: Flapping, atMs: number): Damped {
  const badAtMs = [...state.badAtMs.filter((ms) => atMs - ms < withinMs), atMs].slice(-manyTurns);
  const next: Flapping = { badAtMs, isHeld: state.isHeld || badAtMs.length === manyTurns, okSinceMs: null };
  if (state.isHeld) return { state: next, told: null, note: '' };
  const note = next.isHeld ? `flapping, unhealthy ${manyTurns} times within ${seconds(atMs - badAtMs[0]!)}` : '';
  return { state: next, told: 'bad', note };
}

const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`;
