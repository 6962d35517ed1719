import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { isRuntimeFailure, type Port, type RuntimeFailureCode, type WorkerSpec } from '@ostler/sdk';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { importBaseImage } from './fixtures/base-image.ts';
import { testDockerd } from './fixtures/dockerd.ts';
import { opened } from './fixtures/opened.ts';
import { password, testRegistry } from './fixtures/registry.ts';
import { use } from './fixtures/workers.ts';

const abilities = JSON.parse(process.env['OSTLER_ABILITIES'] ?? '{}') as Readonly<Record<string, string | null>>;

/** What is asked for, and what the one error says of it. */
interface Bad {
  readonly spec: () => WorkerSpec;
  readonly code: RuntimeFailureCode;
  readonly says: RegExp;
  /** What was made for it is left for `remove`. */
  readonly isHalfMade?: boolean;
}

describe.skipIf(abilities['docker'] !== null || abilities['registry'] !== null)(
  'bad input gets one clear error, and nothing is left half-made',
  { timeout: 60_000 },
  () => {
    const engine = testDockerd();
    let d: ReturnType<typeof opened>;
    let r: Awaited<ReturnType<typeof testRegistry>>;
    const taken: Port = { name: 'http', port: 8000, publish: { address: '127.0.0.1', port: 18_433 }, protocol: 'tcp' };

    beforeAll(async () => {
      await engine.start();
      await importBaseImage(engine.socketPath, engine.dir);
      d = opened(engine.host);
      r = await testRegistry(engine);
      const { signal } = d.call();
      await r.raw.json({
        method: 'POST',
        path: '/networks/create',
        body: { Name: 'others', Labels: { 'com.docker.compose.project': 'shop' } },
        what: 'make one',
        signal,
      });
      const spec = { ...d.specOf(['sleep', '60'], { ports: [taken] }), more: {} };
      await d.driver.start(d.ref(), await d.runOf(spec), d.call());
    }, 60_000);
    afterAll(async () => {
      await d?.end();
      await r?.end();
      await engine.end();
    }, 60_000);

    const pulled = (name: string, secret: string | null): WorkerSpec => {
      r.login(secret);
      return d.specOf(['true'], { images: r.imageOf(name), more: { pull: 'always' } });
    };
    const built = (lines: readonly string[]): WorkerSpec => {
      const context = join(engine.dir, 'broken');
      mkdirSync(context, { recursive: true });
      writeFileSync(join(context, 'Dockerfile'), `${lines.join('\n')}\n`);
      return d.specOf(['true'], { images: [{ name: 'app', reference: null, build: { context, dockerfile: null, target: null, args: {}, from: null } }] });
    };

    const cases: Readonly<Record<string, Bad>> = {
      'an image that is not there': {
        spec: () => pulled('none:1', password),
        code: 'not-found',
        says: /none:1.*there is no such image/,
      },
      'an image of a registry that wants a login': { spec: () => pulled('app:1', null), code: 'unauthorized', says: /app:1.*`docker login` on this host/ },
      'a wrong login': { spec: () => pulled('app:1', 'wrong'), code: 'unauthorized', says: /app:1.*`docker login` on this host/ },
      'a digest that no image has': {
        spec: () => ({ ...pulled(`app@sha256:${'0'.repeat(64)}`, password), more: { networkMode: 'none' } }),
        code: 'not-found',
        says: /sha256:0{12}.*there is no such image/,
      },
      'a build that fails': {
        spec: () => built(['FROM ostler-test/base:1', 'RUN echo a clue; exit 3']),
        code: 'build-failed',
        says: /exit|returned a non-zero code: 3/,
      },
      'a port that a container holds': {
        spec: () => ({ ...d.specOf(['true'], { ports: [taken] }), more: {} }),
        code: 'conflict',
        says: /the container \S+ holds port 18433/,
        isHalfMade: true,
      },
      'a folder to mount that does not exist': {
        spec: () => d.specOf(['true'], { mounts: [{ from: { path: '/no/such/folder' }, to: '/x', readOnly: true, name: null }] }),
        code: 'invalid',
        says: /the folder to mount does not exist.*\/no\/such\/folder/,
      },
      'a limit below the least that the engine takes': {
        spec: () => d.specOf(['true'], { limits: { ...d.specOf(['true']).limits, memoryBytes: 1024 ** 2 } }),
        code: 'invalid',
        says: /[Mm]inimum memory limit/,
      },
      'a GPU on a host without one': {
        spec: () => d.specOf(['true'], { gpu: { count: 1, ids: [] } as unknown as WorkerSpec['gpu'] }),
        code: 'no-resources',
        says: /no GPU/,
        isHalfMade: true,
      },
      'a network of another project': {
        spec: () => ({ ...d.specOf(['true']), more: { networks: { far: use({ name: 'others' }) } } }) as unknown as WorkerSpec,
        code: 'conflict',
        says: /others belongs to the Compose project shop/,
      },
    };

    test.each(Object.entries(cases))('%s', async (_, { spec, code, says, isHalfMade = false }) => {
      const before = await left();
      const ref = d.ref();
      const wanted = spec();
      const attempt = async (): Promise<void> => {
        const run = await d.runOf(wanted);
        await d.driver.prepare({ spec: wanted, artifact: run.artifact, secrets: run.secrets }, d.call());
        await d.driver.start(ref, run, d.call());
      };
      const error = await attempt().then(
        () => expect.fail('it succeeded'),
        (reason: unknown) => reason,
      );
      if (!isRuntimeFailure(error)) throw error;
      expect([error.code, error.outcome, error.message]).toEqual([code, 'no', expect.stringMatching(says)]);
      if (isHalfMade) await d.driver.remove({ ref, handle: null }, d.call());
      expect(await left()).toEqual(before);
    });

    test('the last lines of a build that fails come with it', async () => {
      const wanted = built(['FROM ostler-test/base:1', 'RUN echo a clue; exit 3']);
      const { artifact, secrets } = await d.runOf(wanted);
      await expect(d.driver.prepare({ spec: wanted, artifact, secrets }, d.call())).rejects.toMatchObject({ cause: expect.stringContaining('a clue') });
    });

    test('no engine at all, an engine that is too old, and a socket that its user may not use', async () => {
      const none = opened(`unix://${join(engine.dir, 'nobody.sock')}`);
      await expect(none.driver.ping(none.call())).rejects.toMatchObject({
        code: 'engine-down',
        message: expect.stringMatching(/no engine answers at unix:.*nobody\.sock/),
      });
      await none.end();
      const socketPath = join(engine.dir, 'old.sock');
      const server = createServer((_, response) => response.end(JSON.stringify({ Version: '19.03.15', ApiVersion: '1.40' }))).listen(socketPath);
      const old = opened(`unix://${socketPath}`);
      const why = 'Docker 19.03.15 with API 1.40 is too old: ostler needs 20.10 with API 1.41, or newer';
      await expect(old.driver.facts(old.call())).rejects.toMatchObject({ code: 'unsupported', outcome: 'no', message: why });
      await old.end();
      server.close();
      await expect(asNobody(() => d.driver.ping(d.call()))).rejects.toMatchObject({
        code: 'unauthorized',
        message: expect.stringMatching(/this user may not use the engine at unix:/),
      });
    });

    /** As another user, who may not use the socket. Connections that are open stay so: it makes one of its own. */
    async function asNobody(run: () => Promise<void>): Promise<void> {
      await d.driver.close();
      process.seteuid?.(65_534);
      try {
        await run();
      } finally {
        process.seteuid?.(0);
      }
    }

    /** Names of all containers and networks, and how many images have none. */
    async function left() {
      const list = async <T>(path: string): Promise<readonly T[]> =>
        (await r.raw.json<readonly T[]>({ path, query: { all: true }, what: 'list', signal: d.call().signal })).value;
      const containers = (await list<{ Names: readonly string[] }>('/containers/json')).flatMap(({ Names }) => Names);
      const networks = (await list<{ Name: string }>('/networks')).map(({ Name }) => Name);
      const tags = (await list<{ RepoTags: readonly string[] | null }>('/images/json'))
        .flatMap(({ RepoTags }) => RepoTags ?? [])
        .filter((tag) => !tag.includes('none'));
      return { containers: containers.sort(), networks: networks.sort(), tags: tags.sort() };
    }
  },
);
