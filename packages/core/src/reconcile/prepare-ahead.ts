import { isRuntimeFailure } from '@ostler/sdk';
import { problem } from '../base/problem.ts';
import type { Desired, Present, Step } from '../plan/index.ts';
import { isOpen, normalise, type Registry } from '../spec/index.ts';
import { prepareArtifact, type Services } from '../supervise/index.ts';

export interface PreparingAhead {
  readonly services: Pick<Services, 'clock' | 'stuck' | 'inPlugin' | 'runtime'>;
  readonly registry: Registry;
  /** Fires when the agent ends. */
  readonly ended: AbortSignal;
}

/** The engine's trouble, not that of what is prepared: the worker's own life waits for it. */
const engineTrouble = ['engine-down', 'engine-hung'];

/**
 * Has images built and pulled that running workers are changed to, before any of them is stopped. Throws `change-failed` with what went wrong, or
 * `not-finished-in-time`: nothing was touched then, and what is still being prepared goes on, to be found done by the next try.
 */
export async function prepareAhead(
  steps: readonly Step[],
  desired: readonly Desired[],
  present: readonly Present[],
  withinMs: number,
  by: PreparingAhead,
): Promise<void> {
  const had = new Map(present.map((one) => [one.worker, one.generation?.artifact.digest]));
  const changing = desired.filter(({ worker, artifact }) => {
    const step = steps.find((one) => one.worker === worker);
    return step?.kind === 'change' && step.restarts && artifact !== null && !isOpen(artifact) && artifact.digest !== had.get(worker);
  });
  if (changing.length === 0) return;
  const open = new Set(changing.map(({ worker }) => worker));
  const preparing = changing.map(async (one) => {
    try {
      return await failureOf(one, by);
    } finally {
      open.delete(one.worker);
    }
  });
  const late = Promise.withResolvers<null>();
  const cancel = by.services.clock.after(withinMs, () => late.resolve(null));
  const failures = await Promise.race([Promise.all(preparing), late.promise]);
  cancel();
  if (failures === null)
    throw problem({
      code: 'not-finished-in-time',
      message: `what ${[...open].join(', ')} would run is still being prepared after ${withinMs} ms; nothing was changed yet`,
      hint: 'it goes on being prepared. Apply again, and give it longer by --wait.',
    });
  const told = failures.filter((one) => one !== null);
  if (told.length > 0) throw problem({ code: 'change-failed', message: told.join('\n'), hint: 'Nothing was touched: what runs, runs on.' });
}

async function failureOf({ worker, runtime, written, baseDir, artifact }: Desired, { services, registry, ended }: PreparingAhead): Promise<string | null> {
  const access = runtime === null ? null : services.runtime(runtime);
  if (access === null || runtime === null || artifact === null || !access.isUp()) return null;
  try {
    const { spec } = normalise(written, { name: worker, runtime, baseDir, registry });
    await prepareArtifact(services, access, spec, artifact, ended);
    return null;
  } catch (error) {
    if (!isRuntimeFailure(error)) throw error;
    if (engineTrouble.includes(error.code)) return null;
    return `${worker}: ${error.message}${error.cause === undefined || error.cause === '' ? '' : `\n${error.cause}`}`;
  }
}
