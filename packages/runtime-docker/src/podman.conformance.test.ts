import { runtimeConformance } from '@ostler/testkit';
import { afterAll, beforeAll, test } from 'vitest';
import { importBaseImage } from './fixtures/base-image.ts';
import { testPodman } from './fixtures/podman-service.ts';
import { podmanUlimits, probeInContainer } from './fixtures/probe.ts';
import plugin from './index.ts';

const abilities = JSON.parse(process.env['OSTLER_ABILITIES'] ?? '{}') as Readonly<Record<string, string | null>>;

if (abilities['podman'] === null) {
  const engine = testPodman();
  beforeAll(async () => {
    await engine.start();
    await importBaseImage(engine.socketPath, engine.dir);
  }, 60_000);
  afterAll(() => engine.end(), 60_000);
  runtimeConformance(() => plugin, {
    runtime: 'podman',
    module: '@ostler/runtime-docker',
    config: { podman: { host: engine.host } },
    worker: (scene) => ({ ...probeInContainer(scene), ulimits: podmanUlimits }),
    skip: [
      { reason: 'the engine knows the end only as a number, where 137 is SIGKILL as well as a code', cases: ['a-high-exit-code-is-no-signal'] },
      { reason: 'Podman 4.3 tells OOMKilled=false after a real one (5.4 tells the truth), so the driver says unknown', cases: ['death-by-memory-is-told'] },
      { reason: 'the engine does not count what its log rotation drops', cases: ['records-and-gaps-are-what-was-written'] },
    ],
  });
} else test.skip(`podman meets the runtime contract: ${abilities['podman'] ?? 'nobody looked for an engine'}`, () => {});
