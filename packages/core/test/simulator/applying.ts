import { isDeepStrictEqual } from 'node:util';
import type { Json } from '@ostler/sdk';
import type { Step } from '../../src/plan/index.ts';
import { isOpen } from '../../src/spec/index.ts';
import type { Disk } from './disk.ts';
import type { HostFile } from './host-file.ts';
import type { View } from './invariants.ts';
import { artifactOf } from './real.ts';

/** What an apply beside which there was no other has left behind, and was not to, or the other way round; `null` = all is as it must be. */
export function misapplied(steps: readonly Step[], workers: readonly string[] | undefined, { values, journal }: Disk, before: Json | undefined): string | null {
  const names = steps.map(({ worker }) => worker);
  if (!isDeepStrictEqual(names, [...names].sort())) return `the steps of a plan are not in the order of names: ${names.join()}`;
  const foreign = workers === undefined ? undefined : names.find((name) => !workers.includes(name));
  if (foreign !== undefined) return `${foreign} is changed, and was not asked for`;
  // By identity: each apply of all writes one of its own.
  const isRemembered = values.get('applied') !== before;
  if (isRemembered !== (workers === undefined)) return `an apply of ${workers ?? 'all'} is ${isRemembered ? '' : 'not '}remembered as what was applied`;
  const changed = steps.filter(({ kind }) => kind !== 'keep').map(({ worker }) => worker);
  const last = journal.findLast(({ type }) => type === 'plan.applied')?.data as { readonly changed: readonly string[] } | undefined;
  if (changed.length > 0 && !isDeepStrictEqual(last?.changed, changed)) return `${changed.join()} were changed, told is ${last?.changed.join()}`;
  return last?.changed.length === 0 ? 'an apply is told that changed nothing' : null;
}

/** What is told as applied, entry by entry of one journal. */
export class Applies {
  #upTo = 0;

  /** A worker of which nothing was on the disk when it was told as applied, neither a row nor that it once had one; `null` = there is none. */
  early({ journal, workers }: Disk): string | null {
    const from = this.#upTo;
    this.#upTo = journal.length;
    for (const { type, data, text } of journal.slice(from)) {
      if (type !== 'plan.applied') continue;
      const { changed } = data as { readonly changed: readonly string[] };
      const missing = changed.find((worker) => !workers.has(worker) && !journal.some((entry) => entry.worker === worker));
      if (missing !== undefined) return `nothing of ${missing} is on the disk, and it is told: ${text}`;
    }
    return null;
  }
}

/** A worker whose definition is not what the host file and all that it refers to come to, although it was applied; `null` = there is none. */
export function unapplied({ agent }: View, file: HostFile): string | null {
  const { digest } = artifactOf(file.image);
  for (const name of file.names()) {
    const generation = agent?.crew.get(name)?.generation();
    if (generation == null) continue;
    const { artifact, secrets, runtime, counter } = generation;
    if (!isOpen(artifact) && artifact.digest !== digest) return `generation ${counter} of ${name} is ${artifact.digest}, and ${digest} was applied`;
    // After a loss of the store nobody knows with what it was started.
    const token = secrets['TOKEN'] ?? String(file.secret);
    if (token !== String(file.secret)) return `generation ${counter} of ${name} has secret ${token}, and ${file.secret} was applied`;
    if (!file.mayRunOn(name, runtime)) return `generation ${counter} of ${name} is of ${runtime}`;
  }
  return null;
}
