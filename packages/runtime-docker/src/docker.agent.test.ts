import { setTimeout as pause } from 'node:timers/promises';
import { startTestAgent, type TestAgent, waitFor } from '@ostler/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Connection } from './engine/connection.ts';
import type { ListedJson } from './engine/json.ts';
import { baseImage, importBaseImage } from './fixtures/base-image.ts';
import { type TestEngine, testDockerd } from './fixtures/dockerd.ts';
import { callFor } from './fixtures/scripted-engine.ts';

const abilities = JSON.parse(process.env['OSTLER_ABILITIES'] ?? '{}') as Readonly<Record<string, string | null>>;
const namesOf = (count: number): readonly string[] => Array.from({ length: count }, (_, i) => `w${i}`).sort();
/** Prints a number ten times a second for as long as it lives. */
const count = 'i=0; while :; do echo $$i; i=$$((i+1)); sleep 0.1; done';
const everyMs = 2000;
const forMs = 60_000;

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

  const start = async (names: readonly string[], health: object): Promise<TestAgent> =>
    startTestAgent({
      hostFile: {
        ostler: 1,
        plugins: [{ use: '@ostler/runtime-docker', config: { docker: { host: engine.host } } }],
        workers: Object.fromEntries(
          names.map((name) => [name, { runtime: 'docker', image: baseImage, shell: count, networkMode: 'none', stop: { grace: '1s' }, health }]),
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

  test('killed every two seconds for a minute, it finds 30 containers as they were: none is started again, none twice, no line is lost', {
    timeout: 240_000,
  }, async () => {
    const names = namesOf(30);
    agent = await start(names, {});
    const before = await waitFor('all of them run', async () => ((await running()).length === names.length ? running() : undefined), 60_000);
    const beginMs = performance.now();
    let kills = 0;
    for (; performance.now() - beginMs < forMs; kills += 1) {
      const nextMs = performance.now() + everyMs;
      await agent.kill9();
      await agent.restart();
      await pause(Math.max(0, nextMs - performance.now()));
    }
    const after = await containers();
    expect(after.map((one) => one.Id).sort()).toEqual(before.map((one) => one.Id).sort());
    expect(workersOf(after)).toEqual(names);
    for (const name of names) {
      const numbers = await numbersOf(agent, name);
      expect(numbers.length).toBeGreaterThan(50);
      expect(numbers).toEqual(numbers.map((_, i) => i));
    }
    // Slower machines take longer for one, and have fewer of them.
    expect(kills).toBeGreaterThan(10);
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

  test('a dockerd that is killed under 20 containers and comes back: each runs once and is healthy, nothing was started meanwhile, and why tells it', {
    timeout: 240_000,
  }, async () => {
    const names = namesOf(20);
    const live = await start(names, { minUp: '1s' });
    agent = live;
    const areHealthy = async (): Promise<boolean> => {
      const { workers } = (await live.ps()) as { workers: readonly { state: string }[] };
      return workers.length === names.length && workers.every(({ state }) => state === 'healthy');
    };
    await waitFor('all of them are healthy', areHealthy, 60_000);
    const before = new Set((await running()).map((one) => one.Id));
    await engine.daemon.end('SIGKILL');
    const isDown = async (): Promise<boolean> => {
      const { engines } = (await live.ps()) as { engines: readonly { runtime: string; state: string }[] };
      return engines.some((one) => one.runtime === 'docker' && one.state === 'down');
    };
    await waitFor('the agent sees that it is gone', isDown, 30_000);
    await engine.start();
    await waitFor('all of them are healthy again', areHealthy, 90_000);
    const again = await running();
    expect(workersOf(again)).toEqual(names);
    expect(again.filter((one) => before.has(one.Id))).toEqual([]);
    const { body } = await live.request('GET', '/v1/events');
    const { events } = body as { events: readonly { type: string; worker: string | null }[] };
    const ofEngine = events.map(({ type }) => type);
    const [down, up] = [ofEngine.indexOf('runtime.down'), ofEngine.lastIndexOf('runtime.up')];
    expect([down > 0, up > down]).toEqual([true, true]);
    expect(events.slice(down, up).filter(({ type }) => type === 'worker.starting')).toEqual([]);
    for (const name of names) {
      const why = await live.request('GET', `/v1/workers/${name}/why?format=text`);
      const told = String(why.body).replaceAll(/\s+/g, ' ');
      expect(told).toContain('it had ended together with its engine');
      expect(told).toContain('Out of sight: docker does not answer');
    }
  });
});
