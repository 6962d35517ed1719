import { runtimeConformance } from '@ostler/testkit';
import { afterAll, beforeAll, test } from 'vitest';
import { importBaseImage } from './fixtures/base-image.ts';
import { testDockerd } from './fixtures/dockerd.ts';
import { probeInContainer } from './fixtures/probe.ts';
import plugin from './index.ts';

const abilities = JSON.parse(process.env['OSTLER_ABILITIES'] ?? '{}') as Readonly<Record<string, string | null>>;

if (abilities['docker'] === null) {
  const engine = testDockerd();
  beforeAll(async () => {
    await engine.start();
    await importBaseImage(engine.socketPath, engine.dir);
  }, 60_000);
  afterAll(() => engine.end(), 60_000);
  runtimeConformance(() => plugin, {
    runtime: 'docker',
    module: '@ostler/runtime-docker',
    config: { docker: { host: engine.host } },
    worker: probeInContainer,
    skip: [
      { reason: 'the engine knows the end only as a number, where 137 is SIGKILL as well as a code', cases: ['a-high-exit-code-is-no-signal'] },
      { reason: 'the engine’s json-file log keeps text: it replaces bytes that are no UTF-8', cases: ['logs-change-no-byte'] },
      { reason: 'the engine does not count what its log rotation drops', cases: ['records-and-gaps-are-what-was-written'] },
    ],
  });
} else test.skip(`docker meets the runtime contract: ${abilities['docker'] ?? 'nobody looked for an engine'}`, () => {});
