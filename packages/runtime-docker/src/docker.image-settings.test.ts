import type { Hint, Observed, Target } from '@ostler/sdk';
import { startTestAgent, waitFor } from '@ostler/testkit';
import { describe, expect, test } from 'vitest';
import { buildOnBase } from './fixtures/base-image.ts';
import { testDockerd } from './fixtures/dockerd.ts';
import { ownEngine } from './fixtures/own-engine.ts';
import { callFor } from './fixtures/scripted-engine.ts';

const abilities = JSON.parse(process.env['OSTLER_ABILITIES'] ?? '{}') as Readonly<Record<string, string | null>>;

/** Says by which signal it was told to end. busybox knows no names of real-time signals; 37 is SIGRTMIN+3. */
const listener = ['/bin/sh', '-c', 'for n in 1 2 3 15 37; do trap "echo got $n; exit 0" $n; done; echo ready; while :; do sleep 0.05; done'];

describe.skipIf(abilities['docker'] !== null)('what an image says, on a dockerd of its own', { timeout: 60_000 }, () => {
  const { engine, raw, d } = ownEngine(testDockerd());

  /** An image of that name with these lines in its Dockerfile. */
  const imageWith = async (name: string, ...lines: readonly string[]) => {
    await buildOnBase(engine.socketPath, engine.dir, `ostler-test/${name}:1`, lines);
    return { images: [{ name, reference: `ostler-test/${name}:1`, build: null }] };
  };

  const checkOf = async ({ handle }: Observed) => {
    const { id } = handle.data as { id: string };
    return (await raw.json<{ Config: { Healthcheck?: unknown } }>({ path: `/containers/${id}/json`, what: 'look', signal: callFor(5000).signal })).value.Config
      .Healthcheck;
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

  describe('the check of its health', () => {
    const checked = ['HEALTHCHECK --interval=300ms --timeout=2s --start-period=1s --retries=2 CMD test -e /tmp/well || { echo nothing in /tmp/well; exit 3; }'];
    const counted = { isAsked: false, intervalMs: null, timeoutMs: null, startPeriodMs: null, startIntervalMs: null, retries: null };
    const sleeper = ['/bin/sh', '-c', 'touch /tmp/well; exec sleep 60'];
    const healthOf = async (target: Target) => {
      const found = await d.driver.inspect(target, d.call());
      return found.is === 'running' ? found : null;
    };
    const turns = (target: Target, health: string) =>
      waitFor(`it is ${health}`, async () => ((await healthOf(target))?.health === health ? healthOf(target) : undefined));

    test('is run by the engine, which tells of each turn', async () => {
      const { target, observed } = await d.start(sleeper, { ...(await imageWith('checked', ...checked)), imageHealth: counted });
      expect(observed).toMatchObject({ is: 'running', health: 'starting' });
      const hints: unknown[] = [];
      const stop = new AbortController();
      const listening = (async () => {
        for await (const hint of d.driver.watch(d.agent, stop.signal)) hints.push(hint);
      })();
      const listed = async () => (await d.driver.list(d.agent, d.call())).instances.find(({ ref }) => ref.instance === target.ref.instance)?.health;
      expect(await listed()).toMatch(/^(starting|healthy)$/);
      await turns(target, 'healthy');
      await waitFor('the watch begins', () => hints[0]);
      await d.driver.exec(target, ['rm', '/tmp/well'], { tty: false }, d.call());
      const told = await turns(target, 'unhealthy');
      expect(told?.lastCheck).toEqual({ failures: expect.any(Number), code: 3, output: 'nothing in /tmp/well\n' });
      expect(await listed()).toBe('unhealthy');
      expect(told?.lastCheck?.failures).toBeGreaterThanOrEqual(2);
      await waitFor('the turn is told', () => hints.find((hint) => (hint as Hint).kind === 'changed'));
      stop.abort();
      await listening;
    });

    test('takes the times of the host file, and the rest from the image', async () => {
      const image = await imageWith('checked', ...checked);
      const { observed } = await d.start(sleeper, { ...image, imageHealth: { ...counted, timeoutMs: 700, startPeriodMs: 60_000 } });
      expect(await checkOf(observed)).toMatchObject({
        Interval: 3e8,
        Timeout: 7e8,
        StartPeriod: 6e10,
        Retries: 2,
        Test: ['CMD-SHELL', expect.stringContaining('test -e')],
      });
    });

    test('is not run where it does not count', async () => {
      const { observed } = await d.start(sleeper, { ...(await imageWith('checked', ...checked)), imageHealth: null });
      expect(observed).not.toHaveProperty('health');
      expect(await checkOf(observed)).toMatchObject({ Test: ['NONE'] });
    });

    test('is none where the image has none; a worker that asks for it is refused', async () => {
      const { observed } = await d.start(sleeper, { imageHealth: counted });
      expect(observed).not.toHaveProperty('health');
      for (const one of (await d.driver.list(d.agent, d.call())).instances)
        if (one.ref.instance === observed.ref.instance) expect(one).not.toHaveProperty('health');
      const asked = d.start(sleeper, { imageHealth: { ...counted, isAsked: true } });
      await expect(asked).rejects.toMatchObject({ code: 'invalid', outcome: 'no', message: expect.stringMatching(/health\.image.*HEALTHCHECK/) });
    });
  });

  test('an agent goes by both: it restarts what is unhealthy, by the signal of its image', async () => {
    const { images } = await imageWith(
      'both',
      'HEALTHCHECK --interval=300ms --retries=2 CMD test -e /tmp/well || { echo nothing there; exit 1; }',
      'STOPSIGNAL 2',
    );
    const shell = 'trap "echo got INT; exit 0" INT; touch /tmp/well; while :; do sleep 0.05; done';
    const agent = await startTestAgent({
      hostFile: {
        ostler: 1,
        plugins: [{ use: '@ostler/runtime-docker', config: { docker: { host: engine.host } } }],
        workers: { web: { runtime: 'docker', image: images[0]!.reference, shell, networkMode: 'none' } },
      },
    });
    try {
      const web = async () => ((await agent.ps()) as { workers: readonly { state: string; instance: string | null }[] }).workers[0];
      const healthy = (but?: string | null) =>
        waitFor('it is healthy', async () => ((one) => one?.state === 'healthy' && one.instance !== but && one)(await web()));
      const { instance } = await healthy();
      const [container] = (
        await raw.json<readonly { Id: string }[]>({
          path: '/containers/json',
          query: { filters: JSON.stringify({ label: [`ostler.worker=web`] }) },
          what: 'list',
          signal: callFor(5000).signal,
        })
      ).value;
      const making = {
        method: 'POST',
        path: `/containers/${container!.Id}/exec`,
        body: { Cmd: ['rm', '/tmp/well'] },
        what: 'break it',
        signal: callFor(5000).signal,
      } as const;
      const { Id } = (await raw.json<{ Id: string }>(making)).value;
      await raw.json({ method: 'POST', path: `/exec/${Id}/start`, body: { Detach: true }, what: 'break it', signal: callFor(5000).signal });
      await healthy(instance);
      const { body } = await agent.request('GET', '/v1/workers/web/why?format=text');
      expect(String(body)).toMatch(/Unhealthy after [2-9] failed probes: the check of its image exited with 1: nothing there/);
      expect(String(body)).toMatch(/[Ee]xited with (code )?0/);
    } finally {
      await agent.request('POST', '/v1/down', { waitMs: 30_000 }).catch(() => {});
      await agent.stop();
    }
  });
});
