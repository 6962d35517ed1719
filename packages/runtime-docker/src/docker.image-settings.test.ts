import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildOnBase, importBaseImage } from './fixtures/base-image.ts';
import { testDockerd } from './fixtures/dockerd.ts';
import { opened } from './fixtures/opened.ts';

const abilities = JSON.parse(process.env['OSTLER_ABILITIES'] ?? '{}') as Readonly<Record<string, string | null>>;

/** Says by which signal it was told to end. busybox knows no names of real-time signals; 37 is SIGRTMIN+3. */
const listener = ['/bin/sh', '-c', 'for n in 1 2 3 15 37; do trap "echo got $n; exit 0" $n; done; echo ready; while :; do sleep 0.05; done'];

describe.skipIf(abilities['docker'] !== null)('what an image says, on a dockerd of its own', { timeout: 60_000 }, () => {
  const engine = testDockerd();
  let d: ReturnType<typeof opened>;
  beforeAll(async () => {
    await engine.start();
    await importBaseImage(engine.socketPath, engine.dir);
    d = opened(engine.host);
  }, 60_000);
  afterAll(async () => {
    await d?.end();
    await engine.end();
  }, 60_000);

  /** An image of that name with these lines in its Dockerfile. */
  const imageWith = async (name: string, ...lines: readonly string[]) => {
    await buildOnBase(engine.socketPath, engine.dir, `ostler-test/${name}:1`, lines);
    return { images: [{ name, reference: `ostler-test/${name}:1`, build: null }] };
  };

  describe('the signal by which it ends', () => {
    test.each([
      ['a name', 'STOPSIGNAL SIGQUIT', null, '3', 'SIGQUIT'],
      ['a name without SIG', 'STOPSIGNAL HUP', null, '1', 'SIGHUP'],
      ['a number', 'STOPSIGNAL 2', null, '2', 'SIGINT'],
      ['a real-time signal', 'STOPSIGNAL SIGRTMIN+3', null, '37', 'SIGRTMIN+3'],
      ['a real-time signal by its number', 'STOPSIGNAL 37', null, '37', 'SIGRTMIN+3'],
      ['nothing', 'ENV NOTHING=1', null, '15', 'SIGTERM'],
      ['one, and the worker another', 'STOPSIGNAL SIGQUIT', 'SIGTERM', '15', 'SIGTERM'],
    ])('where the image says %s', async (_, line, signal, got, told) => {
      const image = await imageWith(`stop-${line.toLowerCase().replaceAll(/\W/g, '-')}`, line);
      const { target } = await d.start(listener, { ...image, stop: { signal, graceMs: 5000 } });
      await d.printed(target, 'ready');
      const found = await d.driver.stop(target, { signal, graceMs: 5000 }, d.call());
      expect(found).toMatchObject({ is: 'exited', exit: { code: 0 }, stopSignal: told });
      expect(await d.text(target)).toBe(`ready\ngot ${got}\n`);
    });

    test('one that the image kills is told as such', async () => {
      const image = await imageWith('stop-kill', 'STOPSIGNAL 9');
      const { target } = await d.start(listener, { ...image, stop: { signal: null, graceMs: 5000 } });
      await d.printed(target, 'ready');
      const found = await d.driver.stop(target, { signal: null, graceMs: 5000 }, d.call());
      expect(found).toMatchObject({ is: 'exited', exit: { signal: 'SIGKILL' }, stopSignal: 'SIGKILL' });
    });
  });
});
