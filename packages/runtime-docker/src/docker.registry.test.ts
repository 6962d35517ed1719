import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRuntimeFailure } from '@ostler/sdk';
import { waitFor } from '@ostler/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Connection } from './engine/connection.ts';
import { readNdjson } from './engine/ndjson.ts';
import { baseImage, importBaseImage, loadImageFor } from './fixtures/base-image.ts';
import { testDockerd } from './fixtures/dockerd.ts';
import { opened } from './fixtures/opened.ts';
import { callFor } from './fixtures/scripted-engine.ts';
import { encoded } from './image/credentials.ts';

const abilities = JSON.parse(process.env['OSTLER_ABILITIES'] ?? '{}') as Readonly<Record<string, string | null>>;
/** In the engine's own network namespace. */
const registry = '127.0.0.1:5000';
const [user, password] = ['ostler', 's3cret'];
/** Of that password, as htpasswd -B writes it. */
const hash = 'ostler:$2y$05$z3NOZ7xkUtFrdFF30lrEGeKhzit/cVcP8Dd59R0Qj.Ct2uNZlYc6K';

describe.skipIf(abilities['docker'] !== null || abilities['registry'] !== null)('images of a registry that wants a login', { timeout: 60_000 }, () => {
  const engine = testDockerd();
  const raw = new Connection(() => ({ url: engine.host, saidBy: 'the test', socketPath: engine.socketPath }));
  const configDir = join(engine.dir, 'docker-config');
  const envBefore = { config: process.env['DOCKER_CONFIG'], path: process.env['PATH'] };
  let d: ReturnType<typeof opened>;
  let server: ReturnType<typeof spawn> | undefined;

  beforeAll(async () => {
    await engine.start();
    await importBaseImage(engine.socketPath, engine.dir);
    writeFileSync(join(engine.dir, 'htpasswd'), `${hash}\n`);
    const settings = {
      version: '0.1',
      storage: { filesystem: { rootdirectory: join(engine.dir, 'registry') } },
      http: { addr: registry },
      auth: { htpasswd: { realm: 'test', path: join(engine.dir, 'htpasswd') } },
    };
    // Its configuration is YAML, of which JSON is a part.
    writeFileSync(join(engine.dir, 'registry.yml'), JSON.stringify(settings));
    server = spawn('nsenter', ['-t', String(engine.daemon.pid), '-n', 'docker-registry', 'serve', join(engine.dir, 'registry.yml')], { stdio: 'ignore' });
    mkdirSync(configDir);
    process.env['DOCKER_CONFIG'] = configDir;
    d = opened(engine.host);
    await waitFor('the registry takes the image', () => push('app', '1'));
  }, 60_000);
  afterAll(async () => {
    await d?.end();
    raw.close();
    if (server !== undefined) {
      const ended = once(server, 'exit');
      server.kill('SIGTERM');
      await ended;
    }
    await engine.end();
    if (envBefore.config === undefined) delete process.env['DOCKER_CONFIG'];
    else process.env['DOCKER_CONFIG'] = envBefore.config;
    process.env['PATH'] = envBefore.path;
  }, 60_000);

  const { signal } = callFor(120_000);
  const imageOf = (name: string) => [{ name: 'app', reference: `${registry}/${name}`, build: null }];
  const login = (secret: string | null): void =>
    writeFileSync(
      join(configDir, 'config.json'),
      JSON.stringify(secret === null ? {} : { auths: { [registry]: { auth: Buffer.from(`${user}:${secret}`).toString('base64') } } }),
    );
  const forget = async (name: string): Promise<void> => {
    await raw.json({ method: 'DELETE', path: `/images/${registry}/${name}`, query: { force: true }, accepts: [404], what: 'forget the image', signal });
  };
  const failureOf = (promise: Promise<unknown>) =>
    promise.then(
      () => expect.fail('it succeeded'),
      (error: unknown) => (isRuntimeFailure(error) ? { code: error.code, outcome: error.outcome } : error),
    );

  /** As `docker tag` and `docker push`. */
  async function push(name: string, tag: string, image = baseImage): Promise<boolean> {
    const query = { repo: `${registry}/${name}`, tag };
    await raw.json({ method: 'POST', path: `/images/${image}/tag`, query, what: 'tag', signal });
    const auth = encoded({ username: user, password, serveraddress: registry });
    const stream = await raw.stream({
      method: 'POST',
      path: `/images/${registry}/${name}/push`,
      query: { tag },
      headers: { 'X-Registry-Auth': auth },
      what: 'push',
      signal,
    });
    for await (const entry of readNdjson<{ error?: string }>(stream)) if (entry.error !== undefined) throw new Error(entry.error);
    await forget(`${name}:${tag}`);
    return true;
  }

  test('a platform is pulled and run where the worker names it, and an image for another one is not taken for it', async () => {
    login(password);
    await loadImageFor('arm64', engine.socketPath, engine.dir, 'ostler-test/arm:1');
    await push('arm', '1', 'ostler-test/arm:1');
    await raw.json({ method: 'DELETE', path: '/images/ostler-test/arm:1', query: { force: true }, what: 'forget the image', signal });
    const on = (platform: string, image: string) => d.specOf(['echo', 'ran'], { images: imageOf(image), more: { container: { platform } } });
    const spec = on('linux/arm64', 'arm:1');
    const run = await d.runOf(spec);
    await d.driver.prepare({ spec, artifact: run.artifact, secrets: run.secrets }, d.call());
    const ref = d.ref();
    const { handle } = await d.driver.start(ref, run, d.call());
    await d.ended({ ref, handle });
    expect(await d.text({ ref, handle })).toBe('ran\n');
    const other = on('linux/riscv64', 'arm:1');
    const refused = await d.runOf(other);
    expect(await failureOf(d.driver.prepare({ spec: other, artifact: refused.artifact, secrets: refused.secrets }, d.call()))).toMatchObject({
      code: 'not-found',
    });
    expect(await failureOf(d.driver.start(d.ref(), refused, d.call()))).toEqual({ code: 'not-found', outcome: 'no' });
  });

  test('a tag is pinned without pulling, pulled when it is prepared, and run; it stays pinned when the tag moves', async () => {
    login(password);
    const spec = d.specOf(['true'], { images: imageOf('app:1') });
    const pinned = await d.driver.resolve(spec, d.call());
    expect(pinned.data).toMatchObject({ id: null, pull: expect.stringMatching(/^127\.0\.0\.1:5000\/app@sha256:[0-9a-f]{64}$/) });
    const run = await d.runOf(spec, undefined, pinned);
    const ref = d.ref();
    expect(await failureOf(d.driver.start(ref, run, d.call()))).toEqual({ code: 'not-found', outcome: 'no' });
    const notes: string[] = [];
    const call = { ...d.call(), progress: (note: string) => void notes.push(note) };
    await Promise.all([
      d.driver.prepare({ spec, artifact: pinned, secrets: run.secrets }, call),
      d.driver.prepare({ spec, artifact: pinned, secrets: run.secrets }, d.call()),
    ]);
    expect(notes.length).toBeGreaterThan(0);
    expect(notes.filter((note) => note.includes('Pulling from'))).toHaveLength(1);
    await d.driver.start(ref, run, d.call());
    expect((await d.ended({ ref, handle: null })).exit.code).toBe(0);
    expect((await d.driver.resolve({ ...spec, images: imageOf(`app@${String((pinned.inputs as { image: string }).image)}`) }, d.call())).digest).toBe(
      pinned.digest,
    );

    await importBaseImage(engine.socketPath, engine.dir, 'ostler-test/moved:1', ['ENV MOVED=1']);
    await push('app', '1', 'ostler-test/moved:1');
    const moved = await d.driver.resolve({ ...spec, more: { pull: 'always' } }, d.call());
    expect(moved.digest).not.toBe(pinned.digest);
    expect((await d.driver.start(d.ref(), run, d.call())).is).not.toBe('created');
  });

  test('a build whose Dockerfile stands on an image of that registry pulls it with the login, and says what is wrong without', async () => {
    await push('base', '1');
    const context = join(engine.dir, 'on-private');
    mkdirSync(context);
    writeFileSync(join(context, 'Dockerfile'), `FROM ${registry}/base:1\nRUN echo built >/built\n`);
    const spec = d.specOf(['cat', '/built'], {
      images: [{ name: 'app', reference: null, build: { context, dockerfile: null, target: null, args: {}, from: null } }],
    });
    const artifact = await d.driver.resolve(spec, d.call());
    const prepare = () => d.driver.prepare({ spec, artifact, secrets: { files: [], env: {} } }, d.call());
    for (const secret of [null, 'wrong']) {
      login(secret);
      expect(await failureOf(prepare())).toEqual({ code: 'unauthorized', outcome: 'no' });
    }
    login(password);
    await prepare();
    const ref = d.ref();
    await d.driver.start(ref, await d.runOf(spec, undefined, artifact), d.call());
    await d.ended({ ref, handle: null });
    expect(await d.text({ ref, handle: null })).toBe('built\n');
    await forget('base:1');
  });

  test('a build pulls from a registry that gives anybody a token, as Docker’s own hub does', async () => {
    await push('open', '1');
    const door = '127.0.0.1:5001';
    const program = `const http = require('node:http');
      http.createServer((asked, answer) => {
        if (asked.url.startsWith('/token')) return answer.end(JSON.stringify({ token: 'anybody' }));
        if (asked.headers.authorization !== 'Bearer anybody') {
          answer.writeHead(401, { 'www-authenticate': 'Bearer realm="http://${door}/token",service="test"' });
          return answer.end('{}');
        }
        const headers = { ...asked.headers, authorization: 'Basic ' + Buffer.from('${user}:${password}').toString('base64') };
        const inner = http.request({ host: '127.0.0.1', port: 5000, method: asked.method, path: asked.url, headers }, (found) => {
          answer.writeHead(found.statusCode, found.headers);
          found.pipe(answer);
        });
        asked.pipe(inner);
      }).listen(5001, '127.0.0.1', () => console.log('open'));`;
    const keeper = spawn('nsenter', ['-t', String(engine.daemon.pid), '-n', process.execPath, '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await once(keeper.stdout, 'data');
      login(null);
      const context = join(engine.dir, 'on-open');
      mkdirSync(context);
      writeFileSync(join(context, 'Dockerfile'), `FROM ${door}/open:1\nRUN echo built >/built\n`);
      const spec = d.specOf(['cat', '/built'], {
        images: [{ name: 'app', reference: null, build: { context, dockerfile: null, target: null, args: {}, from: null } }],
      });
      const artifact = await d.driver.resolve(spec, d.call());
      await d.driver.prepare({ spec, artifact, secrets: { files: [], env: {} } }, d.call());
      const ref = d.ref();
      await d.driver.start(ref, await d.runOf(spec, undefined, artifact), d.call());
      await d.ended({ ref, handle: null });
      expect(await d.text({ ref, handle: null })).toBe('built\n');
    } finally {
      const ended = once(keeper, 'exit');
      keeper.kill('SIGKILL');
      await ended;
      await forget('open:1');
    }
  });

  test('without a login, with a wrong one, and for what is not there, it says which', async () => {
    const spec = d.specOf(['true'], { images: imageOf('app:1'), more: { pull: 'always' } });
    login(null);
    expect(await failureOf(d.driver.resolve(spec, d.call()))).toEqual({ code: 'unauthorized', outcome: 'no' });
    login('wrong');
    expect(await failureOf(d.driver.resolve(spec, d.call()))).toEqual({ code: 'unauthorized', outcome: 'no' });
    login(password);
    expect(await failureOf(d.driver.resolve({ ...spec, images: imageOf('app:none') }, d.call()))).toEqual({ code: 'not-found', outcome: 'no' });
    const absent = d.specOf(['true'], { images: imageOf(`app@sha256:${'0'.repeat(64)}`) });
    const artifact = await d.driver.resolve(absent, d.call());
    expect(await failureOf(d.driver.prepare({ spec: absent, artifact, secrets: { files: [], env: {} } }, d.call()))).toEqual({
      code: 'not-found',
      outcome: 'no',
    });
    login('wrong');
    const known = await failureOf(d.driver.prepare({ spec: absent, artifact, secrets: { files: [], env: {} } }, d.call()));
    expect(known).toEqual({ code: 'unauthorized', outcome: 'no' });
  });

  test('a registry that hangs holds no call beyond its signal, and the next pull is a new one', async () => {
    login(password);
    await push('slow', '1');
    const spec = d.specOf(['true'], { images: imageOf('slow:1') });
    const artifact = await d.driver.resolve(spec, d.call());
    const what = { spec, artifact, secrets: { files: [], env: {} } };
    server?.kill('SIGSTOP');
    const begun = performance.now();
    const both = await Promise.all([failureOf(d.driver.prepare(what, d.call(300))), failureOf(d.driver.prepare(what, d.call(600)))]);
    expect(both).toEqual(both.map(() => ({ code: 'aborted', outcome: 'no' })));
    expect(performance.now() - begun).toBeLessThan(2500);
    server?.kill('SIGCONT');
    await d.driver.prepare(what, d.call());
    await d.driver.start(d.ref(), await d.runOf(spec, undefined, artifact), d.call());
  });

  test('a credential helper gives the login, and one that fails is named', async () => {
    const bin = join(engine.dir, 'bin');
    mkdirSync(bin);
    process.env['PATH'] = `${bin}:${envBefore.path ?? ''}`;
    const helper = join(bin, 'docker-credential-test');
    writeFileSync(helper, `#!/bin/sh\nread server\n[ "$server" = ${registry} ] && echo '{"Username":"${user}","Secret":"${password}"}'\n`);
    chmodSync(helper, 0o755);
    writeFileSync(join(configDir, 'config.json'), JSON.stringify({ credHelpers: { [registry]: 'test' } }));
    const spec = d.specOf(['true'], { images: imageOf('app:1'), more: { pull: 'always' } });
    expect((await d.driver.resolve(spec, d.call())).digest).toMatch(/^sha256:/);
    writeFileSync(helper, '#!/bin/sh\necho "no keychain" >&2; exit 1\n');
    await expect(d.driver.resolve(spec, d.call())).rejects.toMatchObject({ code: 'unauthorized', message: expect.stringContaining('docker-credential-test') });
  });
});
