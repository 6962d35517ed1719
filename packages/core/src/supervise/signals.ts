import type { Target } from '@ostler/sdk';
import { entries } from '../journal/index.ts';
import { signal } from './calls.ts';
import type { RuntimeAccess, Services } from './services.ts';

/** It is told too: an end that it leads to would be taken for somebody else's deed. */
export async function sendSignal(services: Services, runtime: RuntimeAccess, target: Target, name: string, by: string): Promise<void> {
  const { worker, instance } = target.ref;
  const at = services.clock.isoNow();
  await signal(services, runtime, target, name);
  const entry = entries['worker.signalled']({ at, worker, instance }, { signal: name, by });
  await services.journal.record({ journal: [entry] }).catch((error) => {
    services.log.warn({ worker, error: String(error) }, `that ${name} was sent could not be written down`);
  });
}
