import { isRuntimeFailure } from '@ostler/sdk';
import { waitFor, within } from '@ostler/testkit';
import { describe, expect, test } from 'vitest';
import { buildOnBase } from './fixtures/base-image.ts';
import { opened } from './fixtures/opened.ts';
import { ownEngine } from './fixtures/own-engine.ts';
import { testPodman } from './fixtures/podman-service.ts';
import { podmanUlimits } from './fixtures/probe.ts';
import { callFor } from './fixtures/scripted-engine.ts';

const abilities = JSON.parse(process.env['OSTLER_ABILITIES'] ?? '{}') as Readonly<Record<string, string | null>>;
const MiB = 2 ** 20;

describe.skipIf(abilities['podman'] !== null)('on a Podman of its own', { timeout: 60_000 }, () => {
  const engine = testPodman();
  const { raw, d } = ownEngine(engine, () => opened(engine.host, 'podman', { ulimits: podmanUlimits }));

  const failureOf = (promise: Promise<unknown>) =>
    promise.then(
      () => expect.fail('it succeeded'),
      (error: unknown) => (isRuntimeFailure(error) ? { code: error.code, outcome: error.outcome } : error),
    );

  test('what the worker asks for is what the process sees', async () => {
    const script = [
      'id -u; id -g; id -G; pwd',
      'touch /x 2>/dev/null || echo root-is-read-only',
      'touch /scratch/x && echo scratch-is-writable',
      'grep -c "^CapEff:.0000000000000000" /proc/self/status; grep NoNewPrivs /proc/self/status',
      'ulimit -n; cat /sys/fs/cgroup/memory/memory.limit_in_bytes; cat /sys/fs/cgroup/pids/pids.max; echo "$PLAIN"',
    ].join('\n');
    const { target } = await d.start(['/bin/sh', '-c', script], {
      user: '1000:1001',
      groups: ['1002'],
      workingDir: '/tmp',
      env: { PLAIN: 'a b' },
      mounts: [{ from: { tmpfsBytes: MiB }, to: '/scratch', readOnly: false, name: null }],
      readOnly: true,
      noNewPrivileges: true,
      limits: { cpus: 0.5, memoryBytes: 64 * MiB, memorySwapBytes: null, pids: 50 },
      ulimits: { nofile: { soft: 200, hard: 300 }, nproc: podmanUlimits.nproc },
      more: { capabilities: { drop: ['ALL'] } },
    });
    await d.ended(target);
    expect((await d.text(target)).trim().split('\n')).toEqual([
      ...['1000', '1001', '1001 1002', '/tmp', 'root-is-read-only', 'scratch-is-writable', '1', 'NoNewPrivs:\t1', '200', String(64 * MiB), '50', 'a b'],
    ]);
  });

  test.each([
    ['SIGQUIT', '3'],
    ['2', '2'],
    ['SIGRTMIN+3', '37'],
  ])('what its image names, %s, ends a worker; the check of its image does not count', async (signal, got) => {
    const name = `localhost/ostler-test/stop-${got}:1`;
    await buildOnBase(engine.socketPath, engine.dir, name, [`STOPSIGNAL ${signal}`, 'HEALTHCHECK CMD true']);
    const script = `trap "echo got ${got}; exit 0" ${got}; echo ready; while :; do sleep 0.05; done`;
    const stop = { signal: null, graceMs: 5000 };
    const { target, observed } = await d.start(['/bin/sh', '-c', script], { images: [{ name: 'own', reference: name, build: null }], stop });
    expect(observed).not.toHaveProperty('health');
    expect((await d.driver.facts(d.call())).notes).toContainEqual(expect.stringMatching(/HEALTHCHECK.* do not count/));
    await d.printed(target, 'ready');
    expect(await d.driver.stop(target, stop, d.call())).toMatchObject({ is: 'exited', exit: { code: 0 } });
    expect(await d.text(target)).toContain(`got ${got}`);
  });

  test('a secret reaches a worker that is another user, and no look at the container shows one', async () => {
    const secrets = { files: [{ name: 'token', bytes: Buffer.from('in-a-file'), mode: 0o400 }], env: { KEY: `it's in the env` } };
    const script = 'cat /run/secrets/token; echo; echo "$KEY"; echo end; exec sleep 60';
    const { target, observed } = await d.start(['/bin/sh', '-c', script], { user: 'app' }, secrets);
    expect(await d.printed(target, 'end\n')).toBe(`in-a-file\nit's in the env\nend\n`);
    const { id } = observed.handle.data as { id: string };
    const shown = await raw.json({ path: `/containers/${id}/json`, what: 'look', signal: callFor(5000).signal });
    expect(JSON.stringify(shown)).not.toMatch(/in-a-file|in the env/);
  });

  test('a worker on the shared network starts, and has an address there', async () => {
    const ref = d.ref();
    const ports = [{ name: 'http', port: 8000, publish: null, protocol: 'tcp' }] as const;
    const spec = { ...d.specOf(['/bin/sh', '-c', 'grep -w host.docker.internal /etc/hosts; exec httpd -f -p 8000'], { ports }), more: {} };
    const observed = await d.driver.start(ref, await d.runOf(spec), d.call());
    const target = { ref, handle: observed.handle };
    expect(await d.printed(target, 'host.docker.internal')).toMatch(/^10\.\d+\.\d+\.1\s/);
    const found = await d.driver.inspect(target, d.call());
    expect(found).toMatchObject({ is: 'running', endpoints: [{ port: 8000, address: expect.stringMatching(/^10\.\d+\.\d+\.\d+:8000$/) }] });
  });

  test('a name that a foreign container has is a conflict, though Podman says 500', async () => {
    const ref = d.ref();
    const { signal } = callFor(30_000);
    const body = { Image: 'ostler-test/base:1', Cmd: ['sleep', '60'], HostConfig: { NetworkMode: 'none' } };
    const made = await raw.json<{ Id: string }>({
      method: 'POST',
      path: '/containers/create',
      query: { name: `ostler-web-${ref.instance}` },
      body,
      what: 'make one',
      signal,
    });
    const run = await d.runOf(d.specOf(['sleep', '60']));
    expect(await failureOf(d.driver.start(ref, run, d.call()))).toEqual({ code: 'conflict', outcome: 'no' });
    expect((await d.driver.inspect({ ref, handle: null }, d.call())).is).toBe('gone');
    await raw.json({ method: 'DELETE', path: `/containers/${made.value.Id}`, what: 'remove it', signal });
  });

  test('a GPU that Podman would leave out in silence is refused', async () => {
    const facts = await d.driver.facts(d.call());
    expect(facts).toMatchObject({
      name: 'podman',
      version: expect.stringMatching(/^\d+\.\d+/),
      outlives: { agent: true, engine: true },
      limits: { memory: 'hard' },
    });
    const gpu = { count: 1, ids: [], memoryBytes: null, exclusive: false };
    expect(d.driver.check(d.specOf(['true'], { gpu }), { ...facts, gpus: [] })).toContainEqual(expect.objectContaining({ level: 'refused', field: 'gpu' }));
  });

  test('its service killed: containers run on, exits are kept, the watch says gap when it is back', async () => {
    const stays = await d.start(['sleep', '60']);
    const ends = await d.start(['/bin/sh', '-c', 'sleep 1; exit 42']);
    const stop = new AbortController();
    const gaps: string[] = [];
    const watching = (async () => {
      for await (const hint of d.driver.watch(d.agent, stop.signal)) if (hint.kind === 'gap') gaps.push(hint.why);
    })();
    await waitFor('the first hint', () => gaps.length === 1);
    await engine.daemon.end('SIGKILL');
    expect(await failureOf(d.driver.list(d.agent, d.call(2000)))).toEqual({ code: 'engine-down', outcome: 'no' });
    await engine.start();
    await waitFor('a second gap', () => gaps.length === 2);
    expect(await d.driver.inspect(stays.target, d.call())).toMatchObject({ is: 'running', engine: stays.observed.engine });
    expect((await d.ended(ends.target)).exit).toMatchObject({ code: 42, signal: null });
    stop.abort();
    await within('the watch ends', 5000, watching);
  });
});
