import type { Exit } from '@ostler/sdk';
import type { RestartRule, WorkerRules } from '../spec/index.ts';

/** What follows an end that nobody asked for. */
export type Next = AfterFailure | { readonly is: 'done' };
export type AfterFailure =
  | { readonly is: 'again'; readonly delayMs: number; readonly failures: number }
  | { readonly is: 'failed'; readonly failures: number; readonly why: string };

/** From so many failures in a row on, a worker that is tried again counts as crash-looping. */
export const crashLoopFailures = 5;

export const isSuccess = (rule: RestartRule, exit: Pick<Exit, 'code' | 'signal'>): boolean =>
  exit.signal === null && exit.code !== null && rule.successCodes.includes(exit.code);

/**
 * Decides after an exit. `ranMs`: `null` where nobody saw how long. A service that ends counts as a failure whatever its code: one that exits with 0 at
 * once must be slowed too. `random` in [0, 1).
 */
export function afterExit(rules: WorkerRules, exit: Pick<Exit, 'code' | 'signal'>, ranMs: number | null, failures: number, random: number): Next {
  const { restart } = rules;
  const isGood = isSuccess(restart, exit);
  const how = exit.signal !== null ? `it was killed by ${exit.signal}` : exit.code !== null ? `it exited with code ${exit.code}` : 'it ended';
  const before = failuresBefore(restart, ranMs, failures);
  switch (restart.policy) {
    case 'never':
      return isGood ? { is: 'done' } : { is: 'failed', failures: before + 1, why: `${how} and its restart policy is never` };
    case 'on-success':
      return isGood ? again(restart, before, random, how) : { is: 'failed', failures: before + 1, why: `${how} and its restart policy is on-success` };
    case 'on-failure':
      return isGood ? { is: 'done' } : again(restart, before, random, how);
    case 'always':
      return again(restart, before, random, how);
  }
}

/** A long run forgets the failures before it. `ranMs`: `null` where nobody saw how long. */
export const failuresBefore = ({ resetAfterMs }: RestartRule, ranMs: number | null, failures: number): number =>
  ranMs !== null && resetAfterMs !== null && ranMs >= resetAfterMs ? 0 : failures;

/** Decides after a start or its preparation failed: nothing ran, so the policy has no exit to look at. */
export function afterFailedStart(rules: WorkerRules, failures: number, random: number, message: string): AfterFailure {
  if (rules.restart.policy === 'never') return { is: 'failed', failures: failures + 1, why: message };
  return again(rules.restart, failures, random, message);
}

function again(rule: RestartRule, before: number, random: number, why: string): AfterFailure {
  const failures = before + 1;
  if (rule.giveUp !== null && failures > rule.giveUp) {
    const spent = rule.giveUp === 1 ? 'its one restart is' : `its ${rule.giveUp} restarts are`;
    return { is: 'failed', failures, why: `${why}, and ${spent} used up` };
  }
  return { is: 'again', delayMs: delayMs(rule, failures, random), failures };
}

/** Of the failure of this number (1 = the first in a row): `first`, then `min` growing by `factor` to `max`, each ± `jitter`. */
export function delayMs({ backoff }: RestartRule, failures: number, random: number): number {
  const { firstMs, minMs, maxMs, factor, jitter } = backoff;
  const plain = failures <= 1 ? firstMs : Math.min(maxMs, minMs * factor ** Math.min(failures - 2, 64));
  return Math.round(plain * (1 + jitter * (2 * random - 1)));
}

/** How much earlier than its age allows an instance may be started anew, so that many of one age do not go at once. */
const ageSpread = 0.1;

/** When an instance that was started at `startedMs` is old enough: within the last tenth of its age, the same for one instance whoever asks. Epoch ms. */
export function oldAtMs(startedMs: number, maxAgeMs: number, instance: string): number {
  return startedMs + Math.round(maxAgeMs * (1 - ageSpread * fraction(instance)));
}

/** In [0, 1), evenly over ids that differ little: FNV-1a, its bits mixed once more. */
function fraction(text: string): number {
  let hash = 0x811c9dc5;
  for (const letter of text) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
