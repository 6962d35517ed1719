import { startTestAgent, type TestAgent, waitFor } from '@ostler/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Connection } from './engine/connection.ts';
import type { ListedJson } from './engine/json.ts';
import { baseImage, importBaseImage } from './fixtures/base-image.ts';
import { type TestEngine, testDockerd } from './fixtures/dockerd.ts';
import { callFor } from './fixtures/scripted-engine.ts';

const abilities = JSON.parse(process.env['OSTLER_ABILITIES'] ?? '{}') as Readonly<Record<string, string | null>>;
const names = Array.from({ length: 6 }, (_, i) => `w${i}`).sort();
/** Prints a number every 20 ms for as long as it lives. */
const count = 'i=0; while :; do echo $$i; i=$$((i+1)); sleep 0.02; done';

describe.skipIf(abilities['docker'] !== null)('an agent with containers', { timeout: 120_000 }, () => {
  let engine: TestEngine;
  let raw: Connection;
  let agent: TestAgent | undefined;
  beforeEach(async () => {
    engine = testDockerd();
    await engine.start();
    await importBaseImage(engine.socketPath, engine.dir);
    raw = new Connection(() => ({ url: engine.host, saidBy: 'the test', socketPath: engine.socketPath }));
  }, 60_000);
  afterEach(async () => {
    await agent?.request('POST', '/v1/down', { waitMs: 60_000 }).catch(() => {});
    await agent?.stop();
    agent = undefined;
    raw.close();
    await engine.end();
  }, 120_000);

  const start = async (): Promise<TestAgent> =>
    startTestAgent({
      hostFile: {
        ostler: 1,
        plugins: [{ use: '@ostler/runtime-docker', config: { docker: { host: engine.host } } }],
        workers: Object.fromEntries(
          names.map((name) => [name, { runtime: 'docker', image: baseImage, shell: count, networkMode: 'none', stop: { grace: '1s' } }]),
        ),
      },
    });
  const containers = async (): Promise<readonly ListedJson[]> =>
    (await raw.json<readonly ListedJson[]>({ path: '/containers/json', query: { all: true }, what: 'list', signal: callFor(5000).signal })).value;
  const running = async (): Promise<readonly ListedJson[]> => (await containers()).filter((one) => one.State === 'running');
  const workersOf = (list: readonly ListedJson[]): readonly (string | undefined)[] => list.map((one) => one.Labels?.['ostler.worker']).sort();
  const numbersOf = async (of: TestAgent, worker: string): Promise<readonly number[]> => {
    const { body } = await of.request('GET', `/v1/workers/${worker}/logs`);
    const records = String(body).split('\n').filter(Boolean);
    const data = records.map((line) => Buffer.from((JSON.parse(line) as { data: string | null }).data ?? '', 'base64').toString('utf8'));
    return data.join('').split('\n').filter(Boolean).map(Number);
  };

  test('killed again and again, it finds every container as it was: none is started again, none twice, no line is lost', async () => {
    agent = await start();
    const before = await waitFor('all of them run', async () => ((await running()).length === names.length ? running() : undefined));
    for (let kills = 0; kills < 6; kills += 1) {
      await agent.kill9();
      await agent.restart();
    }
    const after = await containers();
    expect(after.map((one) => one.Id).sort()).toEqual(before.map((one) => one.Id).sort());
    expect(workersOf(after)).toEqual(names);
    for (const name of names) {
      const numbers = await numbersOf(agent, name);
      expect(numbers.length).toBeGreaterThan(50);
      expect(numbers).toEqual(numbers.map((_, i) => i));
    }
  });

  test('killed while it builds an image, the next agent builds it, and the worker runs once', async () => {
    const web = { runtime: 'docker', build: 'app', networkMode: 'none', stop: { grace: '1s' }, health: { minUp: '1s' } };
    agent = await startTestAgent({
      hostFile: { ostler: 1, workers: { web } },
      env: { DOCKER_HOST: engine.host },
      files: { 'app/Dockerfile': `FROM ${baseImage}\nRUN sleep 2\nCMD ["sleep", "1000"]\n` },
    });
    const state = async (): Promise<string | undefined> => ((await agent!.ps()) as { workers: readonly { state: string }[] }).workers[0]?.state;
    await waitFor('it builds', async () => (await state()) === 'preparing');
    for (let kills = 0; kills < 2; kills += 1) {
      await agent.kill9();
      await agent.restart();
      await waitFor('it builds again', async () => ['preparing', 'starting', 'running'].includes((await state()) ?? ''));
    }
    await waitFor('it is healthy', async () => (await state()) === 'healthy', 30_000);
    expect(workersOf(await containers())).toEqual(['web']);
    const { value } = await raw.json<readonly { readonly RepoTags: readonly string[] | null }[]>({
      path: '/images/json?all=true',
      what: 'list',
      signal: callFor(5000).signal,
    });
    expect(value.map(({ RepoTags }) => RepoTags?.[0]?.replace(/[0-9a-f]{32}$/, '')).sort()).toEqual(['localhost/ostler/web:', baseImage]);
  });

  test('a dockerd that is killed and comes back: each worker runs again, each once', async () => {
    const live = await start();
    agent = live;
    await waitFor('all of them run', async () => (await running()).length === names.length);
    const before = new Set((await running()).map((one) => one.Id));
    await engine.daemon.end('SIGKILL');
    await waitFor(
      'the agent sees that it is gone',
      async () => {
        const { engines } = (await live.ps()) as { engines: readonly { runtime: string; state: string }[] };
        return engines.some((one) => one.runtime === 'docker' && one.state === 'down');
      },
      30_000,
    );
    await engine.start();
    const again = await waitFor(
      'all of them run again',
      async () => {
        const now = await running();
        return now.length === names.length && now.every((one) => !before.has(one.Id)) ? now : undefined;
      },
      60_000,
    );
    expect(workersOf(again)).toEqual(names);
    const { body } = await live.request('GET', '/v1/workers/w0/why');
    expect(JSON.stringify(body)).toMatch(/docker/);
  });
});
