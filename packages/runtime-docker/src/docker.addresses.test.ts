import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startTestAgent, type TestAgent, waitFor } from '@ostler/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Connection } from './engine/connection.ts';
import type { ListedJson } from './engine/json.ts';
import { baseImage, importBaseImage } from './fixtures/base-image.ts';
import { type TestEngine, testDockerd } from './fixtures/dockerd.ts';
import { testPodman } from './fixtures/podman-service.ts';
import { podmanUlimits } from './fixtures/probe.ts';
import { callFor } from './fixtures/scripted-engine.ts';

const abilities = JSON.parse(process.env['OSTLER_ABILITIES'] ?? '{}') as Readonly<Record<string, string | null>>;
const serve = (text: string) => `mkdir -p /tmp/w; echo ${text} >/tmp/w/index.html; exec httpd -f -p 8000 -h /tmp/w`;
const fetch = (...workers: readonly string[]) =>
  `${workers.map((name) => `until wget -q -O- "http://$$OSTLER_ADDR_${name}/" 2>/dev/null; do sleep 0.1; done`).join('; ')}; exec sleep 600`;

describe.each(['docker', 'podman'] as const)('an agent with processes and containers of %s', { timeout: 120_000 }, (flavour) => {
  const isThere = abilities[flavour] === null;
  let engine: TestEngine;
  let raw: Connection;
  let agent: TestAgent | undefined;
  beforeEach(async ({ skip }) => {
    if (!isThere) skip(`there is no ${flavour}: ${abilities[flavour] ?? 'nobody looked'}`);
    engine = flavour === 'docker' ? testDockerd() : testPodman();
    await engine.start();
    await importBaseImage(engine.socketPath, engine.dir);
    raw = new Connection(() => ({ url: engine.host, saidBy: 'the test', socketPath: engine.socketPath }), flavour);
  }, 60_000);
  afterEach(async () => {
    await agent?.request('POST', '/v1/down', { waitMs: 60_000 }).catch(() => {});
    await agent?.stop();
    agent = undefined;
    raw?.close();
    await engine?.end();
  }, 120_000);

  const inContainer = (more: object) => ({
    ...{ runtime: flavour, image: baseImage, stop: { grace: '1s' } },
    ...(flavour === 'podman' ? { ulimits: podmanUlimits } : {}),
    ...more,
  });
  const hostFile = (more: object) => ({
    ostler: 1,
    plugins: [{ use: '@ostler/runtime-docker', config: { [flavour]: { host: engine.host } } }],
    ...more,
  });
  /** On the same network as its engine, which has one of its own. */
  const start = (file: object): Promise<TestAgent> =>
    startTestAgent({
      hostFile: file,
      command: [
        ...['nsenter', '-t', String(engine.daemon.pid), '-n'],
        ...[process.execPath, '--conditions=@ostler/source', fileURLToPath(new URL('../../cli/src/main.ts', import.meta.url))],
      ],
    });
  const printed = async (of: TestAgent, worker: string): Promise<string> => {
    const { body } = await of.request('GET', `/v1/workers/${worker}/logs`);
    const records = String(body).split('\n').filter(Boolean);
    return records.map((line) => Buffer.from((JSON.parse(line) as { data: string | null }).data ?? '', 'base64').toString('utf8')).join('');
  };
  const running = async (): Promise<readonly ListedJson[]> =>
    (await raw.json<readonly ListedJson[]>({ path: '/containers/json', what: 'list', signal: callFor(5000).signal })).value;
  const idOf = async (worker: string) => (await running()).find((one) => one.Labels?.['ostler.worker'] === worker)?.Id;

  test('a container reaches a process that it depends on, a process a container, and containers each other, whosever network they are on', async () => {
    const www = join(engine.dir, 'www');
    mkdirSync(www);
    writeFileSync(join(www, 'index.html'), 'from api\n');
    // Without a plugin for it, Podman has no names on its networks.
    const names = flavour === 'docker' ? ['DB'] : [];
    const live = await start(
      hostFile({
        // One of Podman's that leads nowhere does not lead to its host either.
        networks: { back: { internal: flavour === 'docker' }, front: {} },
        workers: {
          api: { runtime: 'native', command: ['busybox', 'httpd', '-f', '-p', '0.0.0.0:18090', '-h', www], ports: ['0.0.0.0:18090:18090'] },
          db: inContainer({ shell: serve('from db'), ports: [8000], networks: ['back'] }),
          shown: inContainer({ shell: serve('from shown'), ports: ['18091:8000'], networks: ['front'] }),
          web: inContainer({ shell: fetch('API', ...names), dependsOn: { api: 'started', db: 'started' }, networks: ['front', 'back'] }),
          inner: inContainer({ shell: fetch('API'), dependsOn: { api: 'started' }, networks: ['back'] }),
          side: inContainer({ shell: fetch('API', ...names), dependsOn: { api: 'started', db: 'started' }, networkMode: 'worker:web' }),
          near: {
            runtime: 'native',
            shell: fetch('DB', 'SHOWN', 'API').replaceAll('wget', 'busybox wget'),
            dependsOn: { db: 'started', shown: 'started', api: 'started' },
          },
        },
      }),
    );
    agent = live;
    const all = ['from api\n', ...names.map(() => 'from db\n')].join('');
    const reached = {
      web: all,
      side: all,
      near: 'from db\nfrom shown\nfrom api\n',
      inner: 'from api\n',
    };
    const seen = async () => Object.fromEntries(await Promise.all(Object.keys(reached).map(async (worker) => [worker, await printed(live, worker)])));
    await waitFor('all have reached all', async () => JSON.stringify(await seen()) === JSON.stringify(reached), 60_000).catch(() => {});
    expect(await seen()).toEqual(reached);
    // The owner of a network goes and comes back: who shares it does, too.
    const before = { web: await idOf('web'), side: await idOf('side') };
    await live.request('POST', '/v1/workers/web/restart', { waitMs: 30_000 });
    await waitFor('the other follows', async () => {
      const side = await idOf('side');
      return side !== undefined && side !== before.side;
    });
    expect(await idOf('web')).not.toBe(before.web);
    const { HostConfig } = (
      await raw.json<{ HostConfig: { NetworkMode: string } }>({ path: `/containers/${await idOf('side')}/json`, what: 'look', signal: callFor(5000).signal })
    ).value;
    expect(HostConfig.NetworkMode).toBe(`container:${await idOf('web')}`);
  });

  test('the policy stands before what gives a container the host, at the plan and at each start', async () => {
    const wish = (policy: object, more: object) => JSON.stringify(hostFile({ ...policy, workers: { web: inContainer({ shell: 'exec sleep 600', ...more }) } }));
    const live = await start(JSON.parse(wish({}, { networkMode: 'none' })));
    agent = live;
    await waitFor('it runs', idOf.bind(null, 'web'));
    const before = await idOf('web');
    const put = (text: string) => writeFileSync(join(live.folder, 'ostler.yaml'), text);
    const apply = () => live.request('POST', '/v1/apply', { waitMs: 30_000 });
    for (const more of [
      { networkMode: 'host' },
      { privileged: true },
      { mounts: [{ from: engine.socketPath, to: '/s' }] },
      { mounts: [{ from: '/', to: '/host' }] },
    ]) {
      put(wish({}, more));
      expect((await apply()).body).toMatchObject({ code: 'policy-refused', message: expect.stringContaining('policy: {') });
    }
    expect(await idOf('web')).toBe(before);
    put(wish({ policy: { hostNamespaces: true } }, { networkMode: 'host' }));
    expect((await apply()).body).toMatchObject({ outcome: 'done' });
    const allowed = await idOf('web');
    expect(allowed).not.toBe(before);
    put(wish({}, { networkMode: 'host' }));
    expect((await apply()).body).toMatchObject({
      outcome: 'done',
      steps: [{ kind: 'keep', unenforced: expect.arrayContaining([expect.stringContaining('is not started again')]) }],
    });
    expect(await idOf('web')).toBe(allowed);
    expect(await live.ps()).toMatchObject({
      workers: [{ state: 'healthy', unenforced: expect.arrayContaining([expect.stringContaining('is not started again')]) }],
    });
    await raw.json({ method: 'POST', path: `/containers/${allowed}/kill`, what: 'kill', signal: callFor(5000).signal });
    await waitFor('it waits', async () => {
      const { workers } = (await live.ps()) as { workers: readonly { state: string; reason: string }[] };
      return workers[0]?.state === 'waiting' && workers[0].reason.includes('hostNamespaces: true');
    });
    expect(await running()).toEqual([]);
    put(wish({ policy: { hostNamespaces: true } }, { networkMode: 'host' }));
    await waitFor('it is let', () => idOf('web'));
  });
});
