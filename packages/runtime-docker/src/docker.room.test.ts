import { execFileSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '@ostler/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildRoot, importBaseImage, importRoot } from './fixtures/base-image.ts';
import { testDockerd } from './fixtures/dockerd.ts';
import { opened } from './fixtures/opened.ts';
import { password, registry, testRegistry } from './fixtures/registry.ts';

const abilities = JSON.parse(process.env['OSTLER_ABILITIES'] ?? '{}') as Readonly<Record<string, string | null>>;
const mib = 1024 ** 2;

describe.skipIf(abilities['docker'] !== null || abilities['registry'] !== null)('on an engine whose disk is small', { timeout: 60_000 }, () => {
  const engine = testDockerd();
  const data = join(engine.dir, 'data');
  const filler = join(data, 'filler');
  let d: ReturnType<typeof opened>;
  let r: Awaited<ReturnType<typeof testRegistry>>;

  beforeAll(async () => {
    mkdirSync(data);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=768m', 'tmpfs', data]);
    await engine.start();
    await importBaseImage(engine.socketPath, engine.dir);
    d = opened(engine.host);
    r = await testRegistry(engine);
    r.login(password);
    // Of chance, so that it is sent as it is.
    const root = join(engine.dir, 'root-big');
    buildRoot(root);
    writeFileSync(join(root, 'big'), randomFillSync(Buffer.alloc(60 * mib)));
    await importRoot(engine.socketPath, root, 'ostler-test/big:1', ['ENV PATH=/bin']);
    await r.push('big', '1', 'ostler-test/big:1');
    await r.raw.json({ method: 'DELETE', path: '/images/ostler-test/big:1', query: { force: true }, what: 'forget the image', signal: d.call().signal });
  }, 60_000);
  afterAll(async () => {
    await d?.end();
    await r?.end();
    await engine.daemon.end('SIGTERM');
    execFileSync('umount', [data]);
    await engine.end();
  }, 60_000);

  const free = (): number => {
    const { bavail, bsize } = statfsSync(data);
    return bavail * bsize;
  };
  const leave = (bytes: number): void => {
    rmSync(filler, { force: true });
    writeFileSync(filler, Buffer.alloc(Math.max(0, free() - bytes)));
  };

  test('a pull that it has no room for is refused with how much is missing, and leaves the disk as it was', async () => {
    const spec = d.specOf(['/bin/ls', '/big'], { images: r.imageOf('big:1') });
    const artifact = await d.driver.resolve(spec, d.call());
    const prepare = () => d.driver.prepare({ spec, artifact, secrets: { files: [], env: {} } }, d.call());
    const refused = (free: RegExp, needed: RegExp) => ({
      ...{ code: 'no-space', outcome: 'no', retryable: true },
      message: expect.stringMatching(
        new RegExp(`${registry}/big@sha256:.*takes ${needed.source} MiB at least, and (${free.source}) MiB are free where the engine keeps images`),
      ),
    });
    leave(40 * mib);
    await expect(prepare()).rejects.toMatchObject(refused(/39|40/, /64/));
    leave(100 * mib);
    await expect(prepare()).rejects.toMatchObject(refused(/99|100/, /1[2-4]\d/));
    // What had come of it is taken away by the engine.
    await waitFor('the disk is as it was', async () => free() > 98 * mib);
    rmSync(filler);
    await prepare();
    const run = await d.runOf(spec, undefined, artifact);
    const ref = d.ref();
    await d.driver.start(ref, run, d.call());
    expect((await d.ended({ ref, handle: null })).exit.code).toBe(0);
  });
});
