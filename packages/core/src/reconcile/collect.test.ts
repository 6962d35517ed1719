import { type Artifact, type RuntimeDriver, runtimeFailure } from '@ostler/sdk';
import { expect, test } from 'vitest';
import { scriptedHost } from '../supervise/fixtures/host.ts';
import type { RuntimeAccess } from '../supervise/index.ts';
import { collectUnused, keptArtifacts } from './collect.ts';

const artifact = (digest: string): Artifact => ({ digest, inputs: {}, data: null });
const generation = (counter: number, runtime = 'docker') => ({ counter, runtime, artifact: artifact(`${runtime}-${String(counter)}`) });
const worker = (counters: readonly number[], running: number | null, now = Math.max(...counters), runtime = 'docker') =>
  ({ generations: counters.map((counter) => generation(counter, runtime)), life: { generation: now, instanceGeneration: running } }) as never;

test('what a worker is, what it was before, and what runs of it stays; the rest does not', () => {
  const digests = (...workers: never[]): readonly string[] => keptArtifacts(workers, 'docker').map(({ digest }) => digest);
  expect(digests(worker([1, 2, 3, 4], 4))).toEqual(['docker-4', 'docker-3']);
  expect(digests(worker([3, 1, 4, 2], 2))).toEqual(['docker-4', 'docker-3', 'docker-2']);
  expect(digests(worker([1], null), worker([5, 6], 6, 6, 'podman'))).toEqual(['docker-1']);
});

test('each runtime that is up is asked with what must stay, and one that fails keeps no other from it', async () => {
  const host = await scriptedHost();
  await host.declare('web');
  const asked: [string, readonly string[]][] = [];
  const runtime = (name: string, isUp: boolean, collect?: RuntimeDriver['collect']): RuntimeAccess =>
    ({ name, plugin: name, isUp: () => isUp, driver: { ...host.driver(), collect } }) as never;
  const telling =
    (name: string): RuntimeDriver['collect'] =>
    async (keep) => {
      asked.push([name, keep.map(({ digest }) => digest)]);
      return { freedBytes: 1 };
    };
  const failing: RuntimeDriver['collect'] = () => Promise.reject(runtimeFailure({ code: 'engine-down', outcome: 'no', retryable: true, message: 'gone' }));
  const runtimes = [runtime('failing', true, failing), runtime('fake', true, telling('fake')), runtime('down', false, telling('down')), runtime('none', true)];
  await collectUnused(host.crew(), runtimes, new AbortController().signal);
  const digest = host.crew().get('web')?.generation()?.artifact.digest;
  expect(asked).toEqual([['fake', [digest]]]);
});
