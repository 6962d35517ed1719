import { createHash } from 'node:crypto';
import type { Desired, Step } from '../plan/index.ts';
import { keyedDigest } from '../store/index.ts';

/**
 * Of what a plan shows and of what it leads to, which it shows in part only: what is new is not spelled out, values are masked, long texts are cut.
 * The same for as long as the host file, what it refers to and the workers are the same, whichever agent is asked.
 */
export function planDigest(key: Uint8Array, steps: readonly Step[], desired: readonly Desired[]): string {
  const byName = new Map(desired.map((one) => [one.worker, one]));
  const covered = steps.map((step) => ({ step, leadsTo: isOfHostFile(step) ? definitionDigest(key, byName.get(step.worker)!) : null }));
  return createHash('sha256').update(JSON.stringify(covered)).digest('hex').slice(0, 32);
}

/** The others lead to what is there, which its number says, or to nothing. */
const isOfHostFile = ({ kind }: Step): boolean => kind === 'add' || kind === 'change';

/** Keyed: the digest of a plan is shown, and an unkeyed one would let anybody try out the values that the plan masks. */
const definitionDigest = (key: Uint8Array, { runtime, written, baseDir, artifact, secrets }: Desired): string =>
  keyedDigest(key, { runtime, written, baseDir, artifact: artifact?.digest ?? null, secrets });
