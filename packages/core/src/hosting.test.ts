import { type RuntimeDriver, runtimeFailure } from '@ostler/sdk';
import { fakeRuntime } from '@ostler/testkit';
import { expect, test } from 'vitest';
import type { HostConfig } from './config/index.ts';
import { Hosting } from './hosting.ts';
import { emptyRegistry } from './spec/index.ts';
import { scriptedHost } from './supervise/fixtures/host.ts';

const web = { agent: 'agent', worker: 'web', instance: 'i1', generation: '1-0000000000000000' };
const nothing = { workers: [], instances: [], generations: [], values: {} };

/** Three runtimes that no host file names: processes, an engine, and one that this host has not got. */
async function host() {
  const { clock, crew } = await scriptedHost();
  const [native, docker, podman] = [fakeRuntime({ clock }), fakeRuntime({ clock }), fakeRuntime({ clock })];
  const facts = async () => {
    throw runtimeFailure({ code: 'unsupported', outcome: 'no', retryable: false, message: 'there is no Podman on this host' });
  };
  const hosted = (name: string, kind: 'process' | 'container', driver: RuntimeDriver) => [name, { name, class: kind, pluginId: 'own', driver }] as const;
  const hosting = new Hosting({
    crew: crew(),
    hosted: new Map([
      hosted('native', 'process', native.driver),
      hosted('docker', 'container', docker.driver),
      hosted('podman', 'container', { ...podman.driver, facts }),
    ]),
    registry: emptyRegistry,
    builtins: new Set(['own']),
    known: { getConfig: () => null, key: new Uint8Array(32) },
    timings: () => ({}),
    onChange() {},
  });
  return { clock, crew: crew(), docker: docker.world, hosting };
}

test('after a lost store what runs on an engine is found, though no host file names that engine', async () => {
  const { crew, docker, hosting } = await host();
  docker.begin(web, {}, false);
  await hosting.beginAtBoot(nothing, null, true);
  expect(crew.get('web')?.runtimeName()).toBe('docker');
  expect([...hosting.runtimes.keys()]).toEqual(['native', 'docker']);
  expect(hosting.unlisted()).toEqual([]);
  hosting.close();
});

test('with its store an engine that nobody names is asked nothing, and of those asked after a loss none is kept that has nothing', async () => {
  for (const isLost of [false, true]) {
    const { docker, hosting } = await host();
    await hosting.beginAtBoot(nothing, null, isLost);
    expect([docker.calls.length > 0, [...hosting.runtimes.keys()], hosting.unlisted()]).toEqual([isLost, ['native'], []]);
    hosting.close();
  }
});

test('after a lost store what was never seen may be on an engine that does not answer, until that one is listed', async () => {
  const { clock, crew, docker, hosting } = await host();
  docker.begin(web, {}, false);
  docker.isDown = true;
  await hosting.beginAtBoot(nothing, null, true);
  expect(hosting.unlisted()).toEqual(['docker']);
  expect(hosting.mayRunElsewhere('web', 'native')).toContain('docker');
  expect(hosting.mayRunElsewhere('web', 'docker')).toBeNull();
  docker.isDown = false;
  await clock.advance(20_000);
  expect([hosting.unlisted(), hosting.mayRunElsewhere('web', 'native')]).toEqual([[], null]);
  expect(crew.get('web')?.runtimeName()).toBe('docker');
  hosting.close();
});

test.each([true, false])(
  'after a lost store an engine that never answers is waited for as long as it takes where the host file names it (%s)',
  async (isNamed) => {
    const { clock, docker, hosting } = await host();
    docker.isDown = true;
    const config = isNamed ? ({ workers: { db: { written: { runtime: 'docker' } } } } as unknown as HostConfig) : null;
    await hosting.beginAtBoot(nothing, config, true);
    await clock.advance(15_000);
    expect(hosting.mayRunElsewhere('web', 'native')).toContain('docker');
    await clock.advance(600_000);
    expect(hosting.unlisted()).toEqual(isNamed ? ['docker'] : []);
    hosting.close();
  },
);
