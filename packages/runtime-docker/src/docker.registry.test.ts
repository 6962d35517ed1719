import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRuntimeFailure } from '@ostler/sdk';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { importBaseImage, loadImageFor } from './fixtures/base-image.ts';
import { testDockerd } from './fixtures/dockerd.ts';
import { opened } from './fixtures/opened.ts';
import { password, registry, testRegistry, user } from './fixtures/registry.ts';
import { callFor } from './fixtures/scripted-engine.ts';

const abilities = JSON.parse(process.env['OSTLER_ABILITIES'] ?? '{}') as Readonly<Record<string, string | null>>;

describe.skipIf(abilities['docker'] !== null || abilities['registry'] !== null)('images of a registry that wants a login', { timeout: 60_000 }, () => {
  const engine = testDockerd();
  const pathBefore = process.env['PATH'];
  let d: ReturnType<typeof opened>;
  let r: Awaited<ReturnType<typeof testRegistry>>;

  beforeAll(async () => {
    await engine.start();
    await importBaseImage(engine.socketPath, engine.dir);
    d = opened(engine.host);
    r = await testRegistry(engine);
  }, 60_000);
  afterAll(async () => {
    await d?.end();
    await r?.end();
    await engine.end();
    process.env['PATH'] = pathBefore;
  }, 60_000);

  const { signal } = callFor(120_000);
  const imageOf = (name: string) => r.imageOf(name);
  const failureOf = (promise: Promise<unknown>) =>
    promise.then(
      () => expect.fail('it succeeded'),
      (error: unknown) => (isRuntimeFailure(error) ? { code: error.code, outcome: error.outcome } : error),
    );

  test('a platform is pulled and run where the worker names it, and an image for another one is not taken for it', async () => {
    r.login(password);
    await loadImageFor('arm64', engine.socketPath, engine.dir, 'ostler-test/arm:1');
    await r.push('arm', '1', 'ostler-test/arm:1');
    await r.raw.json({ method: 'DELETE', path: '/images/ostler-test/arm:1', query: { force: true }, what: 'forget the image', signal });
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
    r.login(password);
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
    await r.push('app', '1', 'ostler-test/moved:1');
    const moved = await d.driver.resolve({ ...spec, more: { pull: 'always' } }, d.call());
    expect(moved.digest).not.toBe(pinned.digest);
    expect((await d.driver.start(d.ref(), run, d.call())).is).not.toBe('created');
  });

  test('a build whose Dockerfile stands on an image of that registry pulls it with the login, and says what is wrong without', async () => {
    await r.push('base', '1');
    const context = join(engine.dir, 'on-private');
    mkdirSync(context);
    writeFileSync(join(context, 'Dockerfile'), `FROM ${registry}/base:1\nRUN echo built >/built\n`);
    const spec = d.specOf(['cat', '/built'], {
      images: [{ name: 'app', reference: null, build: { context, dockerfile: null, target: null, args: {}, from: null } }],
    });
    const artifact = await d.driver.resolve(spec, d.call());
    const prepare = () => d.driver.prepare({ spec, artifact, secrets: { files: [], env: {} } }, d.call());
    for (const secret of [null, 'wrong']) {
      r.login(secret);
      expect(await failureOf(prepare())).toEqual({ code: 'unauthorized', outcome: 'no' });
    }
    r.login(password);
    await prepare();
    const ref = d.ref();
    await d.driver.start(ref, await d.runOf(spec, undefined, artifact), d.call());
    await d.ended({ ref, handle: null });
    expect(await d.text({ ref, handle: null })).toBe('built\n');
    await r.forget('base:1');
  });

  test('a build pulls from a registry that gives anybody a token, as Docker’s own hub does', async () => {
    await r.push('open', '1');
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
      r.login(null);
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
      await r.forget('open:1');
    }
  });

  test('without a login, with a wrong one, and for what is not there, it says which', async () => {
    const spec = d.specOf(['true'], { images: imageOf('app:1'), more: { pull: 'always' } });
    r.login(null);
    expect(await failureOf(d.driver.resolve(spec, d.call()))).toEqual({ code: 'unauthorized', outcome: 'no' });
    r.login('wrong');
    expect(await failureOf(d.driver.resolve(spec, d.call()))).toEqual({ code: 'unauthorized', outcome: 'no' });
    r.login(password);
    expect(await failureOf(d.driver.resolve({ ...spec, images: imageOf('app:none') }, d.call()))).toEqual({ code: 'not-found', outcome: 'no' });
    const absent = d.specOf(['true'], { images: imageOf(`app@sha256:${'0'.repeat(64)}`) });
    const artifact = await d.driver.resolve(absent, d.call());
    expect(await failureOf(d.driver.prepare({ spec: absent, artifact, secrets: { files: [], env: {} } }, d.call()))).toEqual({
      code: 'not-found',
      outcome: 'no',
    });
    r.login('wrong');
    const known = await failureOf(d.driver.prepare({ spec: absent, artifact, secrets: { files: [], env: {} } }, d.call()));
    expect(known).toEqual({ code: 'unauthorized', outcome: 'no' });
  });

  test('a registry that hangs holds no call beyond its signal, and the next pull is a new one', async () => {
    r.login(password);
    await r.push('slow', '1');
    const spec = d.specOf(['true'], { images: imageOf('slow:1') });
    const artifact = await d.driver.resolve(spec, d.call());
    const what = { spec, artifact, secrets: { files: [], env: {} } };
    r.server.kill('SIGSTOP');
    const begun = performance.now();
    const both = await Promise.all([failureOf(d.driver.prepare(what, d.call(300))), failureOf(d.driver.prepare(what, d.call(600)))]);
    expect(both).toEqual(both.map(() => ({ code: 'aborted', outcome: 'no' })));
    expect(performance.now() - begun).toBeLessThan(2500);
    r.server.kill('SIGCONT');
    await d.driver.prepare(what, d.call());
    await d.driver.start(d.ref(), await d.runOf(spec, undefined, artifact), d.call());
  });

  test('a credential helper gives the login, and one that fails is named', async () => {
    const bin = join(engine.dir, 'bin');
    mkdirSync(bin);
    process.env['PATH'] = `${bin}:${pathBefore ?? ''}`;
    const helper = join(bin, 'docker-credential-test');
    writeFileSync(helper, `#!/bin/sh\nread server\n[ "$server" = ${registry} ] && echo '{"Username":"${user}","Secret":"${password}"}'\n`);
    chmodSync(helper, 0o755);
    writeFileSync(join(r.configDir, 'config.json'), JSON.stringify({ credHelpers: { [registry]: 'test' } }));
    const spec = d.specOf(['true'], { images: imageOf('app:1'), more: { pull: 'always' } });
    expect((await d.driver.resolve(spec, d.call())).digest).toMatch(/^sha256:/);
    writeFileSync(helper, '#!/bin/sh\necho "no keychain" >&2; exit 1\n');
    await expect(d.driver.resolve(spec, d.call())).rejects.toMatchObject({ code: 'unauthorized', message: expect.stringContaining('docker-credential-test') });
  });
});
