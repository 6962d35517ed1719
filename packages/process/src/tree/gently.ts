import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessEntry } from '../identity/process-stat.ts';
import { signalEntries } from './kill.ts';

export interface Gently {
  /** By its number. */
  readonly signal: number;
  /** For what only writes its last lines, or notices by itself that its first process has gone. */
  readonly byItselfMs: number;
  /** From the signal on. */
  readonly graceMs: number;
  /** What is left. */
  members(): readonly ProcessEntry[];
  /** Whether it has had the signal already: a second one is to many programs an order to end at once. */
  wasAsked(entry: ProcessEntry): boolean;
  isCalledOff(): boolean;
}

/**
 * Lets what is left of an instance end whose first process has: by itself, then by the signal. Resolves with `true` when nothing is there any more; with
 * `false` when some of it is after the grace, or it was called off.
 */
export async function endGently({ signal, byItselfMs, graceMs, members, wasAsked, isCalledOff }: Gently): Promise<boolean> {
  const isGoneIn = async (ms: number): Promise<boolean> => {
    const untilMs = Date.now() + ms;
    for (let waitMs = 1; ; waitMs = Math.min(waitMs * 2, 200)) {
      if (members().length === 0) return true;
      if (isCalledOff() || Date.now() >= untilMs) return false;
      await sleep(Math.min(waitMs, Math.max(1, untilMs - Date.now())));
    }
  };
  if (await isGoneIn(byItselfMs)) return true;
  if (isCalledOff()) return false;
  signalEntries(
    members().filter((entry) => !wasAsked(entry)),
    signal,
  );
  return isGoneIn(graceMs);
}
