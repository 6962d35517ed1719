import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Target } from '@ostler/sdk';
import { waitFor } from '@ostler/testkit';
import { describe, expect, test } from 'vitest';
import { usageOf } from './container/stats.ts';
import type { ContainerJson } from './engine/json.ts';
import { importBaseImage } from './fixtures/base-image.ts';
import { testDockerd } from './fixtures/dockerd.ts';
import { opened } from './fixtures/opened.ts';
import { ownEngine } from './fixtures/own-engine.ts';
import { callFor } from './fixtures/scripted-engine.ts';
import { environmentScript, receiverCommand } from './secret/environment.ts';

const abilities = JSON.parse(process.env['OSTLER_ABILITIES'] ?? '{}') as Readonly<Record<string, string | null>>;
const MiB = 2 ** 20;

async function textOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

describe.skipIf(abilities['docker'] !== null)('on a dockerd of its own', { timeout: 60_000 }, () => {
  const { engine, raw, d } = ownEngine(testDockerd());

  interface Inspected extends Omit<ContainerJson, 'Config' | 'HostConfig'> {
    readonly Config: Readonly<Record<string, unknown>>;
    readonly HostConfig: Readonly<Record<string, unknown>>;
  }
  const look = async (id: string): Promise<Inspected> =>
    (await raw.json<Inspected>({ path: `/containers/${id}/json`, what: 'look', signal: callFor(5000).signal })).value;
  const idOf = (observed: { handle: { data: unknown } }): string => (observed.handle.data as { id: string }).id;

  test('what the worker asks for is what the engine has and what the process sees', async () => {
    const host = join(d.dir, 'host');
    mkdirSync(host);
    writeFileSync(join(host, 'hello'), 'from the host');
    const script = [
      'id -u; id -g; id -G; pwd; cat /in/hello; echo',
      'touch /in/x 2>/dev/null || echo in-is-read-only',
      'touch /x 2>/dev/null || echo root-is-read-only',
      'touch /scratch/x && echo scratch-is-writable',
      'grep -c "^CapEff:.0000000000000000" /proc/self/status; grep NoNewPrivs /proc/self/status',
      'ulimit -n; cat /proc/1/comm; cat /sys/fs/cgroup/memory/memory.limit_in_bytes; cat /sys/fs/cgroup/pids/pids.max; hostname; echo "$PLAIN"',
    ].join('\n');
    const { target, observed } = await d.start(['/bin/sh', '-c', script], {
      user: '1000:1001',
      groups: ['1002'],
      workingDir: '/tmp',
      env: { PLAIN: 'a b' },
      mounts: [
        { from: { path: host }, to: '/in', readOnly: true, name: null },
        { from: { tmpfsBytes: MiB }, to: '/scratch', readOnly: false, name: null },
        { from: { volume: 'models' }, to: '/models', readOnly: false, name: null },
      ],
      readOnly: true,
      noNewPrivileges: true,
      limits: { cpus: 0.5, memoryBytes: 64 * MiB, memorySwapBytes: null, pids: 50 },
      ulimits: { nofile: { soft: 200, hard: 300 } },
      stop: { signal: 'SIGINT', graceMs: 1000 },
      labels: { mine: 'yes', 'ostler.agent': 'somebody else' },
      more: { capabilities: { drop: ['ALL'] }, hostname: 'inside', shm: 2 * MiB },
    });
    await d.ended(target);
    expect((await d.text(target)).trim().split('\n')).toEqual([
      ...['1000', '1001', '1001 1002', '/tmp', 'from the host', 'in-is-read-only', 'root-is-read-only', 'scratch-is-writable', '1', 'NoNewPrivs:\t1'],
      ...['200', 'docker-init', String(64 * MiB), '50', 'inside', 'a b'],
    ]);
    const { Config, HostConfig, Mounts } = await look(idOf(observed));
    expect(HostConfig).toMatchObject({
      NanoCpus: 5e8,
      Memory: 64 * MiB,
      MemorySwap: 64 * MiB,
      PidsLimit: 50,
      ShmSize: 2 * MiB,
      RestartPolicy: { Name: 'no' },
      LogConfig: { Type: 'json-file', Config: { 'max-size': String(10 * MiB), 'max-file': '3' } },
    });
    expect(Config).toMatchObject({ StopSignal: 'SIGINT', Labels: { mine: 'yes', 'ostler.agent': d.agent } });
    expect(Mounts).toContainEqual(expect.objectContaining({ Name: 'ostler_models', Destination: '/models' }));
  });

  test('a published port is published on 127.0.0.1 and reached there, and workers find each other by name', async () => {
    const script = 'mkdir -p /tmp/w; echo served >/tmp/w/index.html; exec httpd -f -p 8000 -h /tmp/w';
    const ports = [{ name: 'http', port: 8000, publish: { address: '127.0.0.1', port: 18_431 }, protocol: 'tcp' }] as const;
    const spec = { ...d.specOf(['/bin/sh', '-c', script], { ports }), more: {} };
    const ref = d.ref();
    const observed = await d.driver.start(ref, await d.runOf(spec), d.call());
    expect(observed).toMatchObject({ is: 'running', endpoints: [{ port: 8000, address: '127.0.0.1:18431' }] });
    const there = ['-t', String(engine.daemon.pid), '-n', 'busybox', 'wget', '-q', '-O-', 'http://127.0.0.1:18431/'];
    expect(execFileSync('nsenter', there, { encoding: 'utf8' })).toBe('served\n');
    const other = { ...d.ref(), worker: 'asker' };
    const asking = { ...d.specOf(['/bin/sh', '-c', 'until wget -q -O- http://web:8000/; do sleep 0.1; done']), name: 'asker', more: {} };
    const { handle } = await d.driver.start(other, await d.runOf(asking), d.call());
    await d.ended({ ref: other, handle });
    expect(await d.text({ ref: other, handle })).toBe('served\n');
    await d.driver.remove({ ref: other, handle }, d.call());
  });

  test('a worker reaches a process of its host as host.docker.internal, also where the engine has no bridge of its own', async () => {
    const bare = testDockerd(['--bridge=none', '--iptables=false', '--ip6tables=false']);
    try {
      await bare.start();
      await importBaseImage(bare.socketPath, bare.dir);
      for (const one of [engine, bare]) {
        const own = opened(one.host);
        const server = spawn('nsenter', ['-t', String(one.daemon.pid), '-n', 'busybox', 'nc', '-l', '-p', '18433', '-e', 'echo', 'from the host'], {
          stdio: 'ignore',
        });
        const script = 'until nc host.docker.internal 18433 </dev/null | grep host; do sleep 0.1; done';
        const ref = own.ref();
        const spec = { ...own.specOf(['/bin/sh', '-c', script]), more: {} };
        const { handle } = await own.driver.start(ref, await own.runOf(spec), own.call());
        await own.ended({ ref, handle });
        expect(await own.text({ ref, handle })).toContain('from the host\n');
        server.kill('SIGKILL');
        await own.end();
      }
    } finally {
      await bare.end();
    }
  });

  test('memory that is out is told: of the worker itself, and of a child of it', async ({ skip }) => {
    if ((await d.driver.facts(d.call())).limits.memory !== 'hard') skip('the engine has no memory controller');
    const limits = { cpus: null, memoryBytes: 32 * MiB, memorySwapBytes: null, pids: null };
    const hog = 'dd if=/dev/zero of=/dev/null bs=100M count=1';
    const own = await d.start(['/bin/sh', '-c', `exec ${hog}`], { limits });
    expect((await d.ended(own.target)).exit).toMatchObject({ code: null, signal: 'SIGKILL', oom: 'main' });
    const child = await d.start(['/bin/sh', '-c', `${hog}; exit 3`], { limits });
    expect((await d.ended(child.target)).exit).toMatchObject({ code: 3, signal: null, oom: 'inside' });
    const none = await d.start(['/bin/sh', '-c', 'exit 3'], { limits });
    expect((await d.ended(none.target)).exit).toMatchObject({ code: 3, signal: null, oom: 'no' });
  });

  test('a port that somebody holds is told as that, and what is left is for remove', async () => {
    const ports = [{ name: 'http', port: 8000, publish: { address: '127.0.0.1', port: 18_432 }, protocol: 'tcp' }] as const;
    const spec = { ...d.specOf(['sleep', '60'], { ports }), more: {} };
    await d.driver.start(d.ref(), await d.runOf(spec), d.call());
    const second = { ref: d.ref(), handle: null };
    await expect(d.driver.start(second.ref, await d.runOf(spec), d.call())).rejects.toMatchObject({
      code: 'conflict',
      outcome: 'no',
      message: expect.stringMatching(/the container \S+ holds port 18432/),
    });
    expect((await d.driver.inspect(second, d.call())).is).toBe('created');
    await d.driver.remove(second, d.call());
    expect((await d.driver.inspect(second, d.call())).is).toBe('gone');
  });

  test('a secret reaches a worker that is another user, by its name in the image, and no look at the container shows one', async () => {
    const secrets = { files: [{ name: 'token', bytes: Buffer.from('in-a-file'), mode: 0o400 }], env: { KEY: `it's "in"\nthe env` } };
    const { target, observed } = await d.start(
      ['/bin/sh', '-c', 'id -u; cat /run/secrets/token; echo; echo "$KEY"; echo end; exec sleep 60'],
      { user: 'app' },
      secrets,
    );
    expect(await d.printed(target, 'end\n')).toBe(`1000\nin-a-file\nit's "in"\nthe env\nend\n`);
    expect(JSON.stringify(await look(idOf(observed)))).not.toMatch(/in-a-file|the env/);
    await d.driver.deliver(target, { files: [{ name: 'token', bytes: Buffer.from('rotated'), mode: 0o400 }], env: {} }, d.call());
    const session = await d.driver.exec(target, ['cat', '/run/secrets/token'], { tty: false }, d.call());
    expect(Buffer.from((await session.stdout.getReader().read()).value ?? []).toString('utf8')).toBe('rotated');
    expect(await session.exit).toBe(0);
    await d.driver.stop(target, { signal: 'SIGKILL', graceMs: 0 }, d.call());
    expect(readdirSync(d.secretsDir)).toEqual([]);
  });

  test('an image’s VOLUME is kept from one instance to the next, and its command and entrypoint count', async () => {
    const name = 'ostler-test/database:1';
    await importBaseImage(engine.socketPath, engine.dir, name, [
      'ENV PATH=/bin',
      'VOLUME /data',
      'ENTRYPOINT ["/bin/sh","-c"]',
      'CMD ["date +%s%N >>/data/starts; cat /data/starts"]',
    ]);
    const images = [{ name: 'database', reference: name, build: null }];
    for (const starts of [1, 2]) {
      const { target } = await d.start(null, { images }, { files: [], env: { SECRET: 'x' } });
      await d.ended(target);
      expect((await d.text(target)).trim().split('\n')).toHaveLength(starts);
      await d.driver.remove(target, d.call());
    }
  });

  test('a foreign container of the same name is neither taken for ours nor touched', async () => {
    const ref = d.ref();
    const name = `ostler-web-${ref.instance}`;
    const { signal } = callFor(30_000);
    const make = { method: 'POST', path: '/containers/create', query: { name }, what: 'make a foreign container', signal } as const;
    const labels = { 'ostler.agent': ref.agent, 'ostler.worker': ref.worker, 'ostler.generation': ref.generation, 'ostler.instance': ref.instance };
    const made = await raw.json<{ Id: string }>({
      ...make,
      body: { Image: 'ostler-test/base:1', Cmd: ['sleep', '60'], HostConfig: { NetworkMode: 'none' }, Labels: labels },
    });
    const run = await d.runOf(d.specOf(['sleep', '60']));
    await expect(d.driver.start(ref, run, d.call())).rejects.toMatchObject({ code: 'conflict', outcome: 'no', message: expect.stringContaining('not ostler') });
    expect((await d.driver.inspect({ ref, handle: null }, d.call())).is).toBe('gone');
    expect((await d.driver.list(d.agent, d.call())).instances.map((one) => one.ref.instance)).not.toContain(ref.instance);
    await d.driver.stop({ ref, handle: null }, { signal: 'SIGKILL', graceMs: 0 }, d.call());
    await d.driver.remove({ ref, handle: null }, d.call());
    expect((await look(made.value.Id)).State.Status).toBe('created');
    await raw.json({ method: 'DELETE', path: `/containers/${made.value.Id}`, what: 'remove it', signal });
  });

  test('a container that a person renamed is found by its labels', async () => {
    const { target, observed } = await d.start(['sleep', '60']);
    await raw.json({
      method: 'POST',
      path: `/containers/${idOf(observed)}/rename`,
      query: { name: `other-${target.ref.instance}` },
      what: 'rename',
      signal: callFor(5000).signal,
    });
    expect((await d.driver.inspect({ ref: target.ref, handle: null }, d.call())).is).toBe('running');
  });

  test('an image that is not there, and a mount of what is not there, say so and leave nothing behind', async () => {
    const missing = d.specOf(['true'], { images: [{ name: 'x', reference: 'ostler-test/none:1', build: null }], more: { pull: 'never' } });
    await expect(d.driver.resolve(missing, d.call())).rejects.toMatchObject({ code: 'not-found', outcome: 'no' });
    const ref = d.ref();
    const run = await d.runOf(d.specOf(['true'], { mounts: [{ from: { path: '/no/such/folder' }, to: '/x', readOnly: true, name: null }] }));
    await expect(d.driver.start(ref, run, d.call())).rejects.toMatchObject({ code: 'invalid', outcome: 'no' });
    expect((await d.driver.inspect({ ref, handle: null }, d.call())).is).toBe('gone');
    expect(existsSync(join(d.secretsDir, 'web'))).toBe(false);
  });

  test('a lost place in a log is told: what the engine’s rotation dropped comes as a gap of unknown size', async () => {
    const { target } = await d.start(['/bin/sh', '-c', 'echo first; sleep 3; i=0; while [ $i -lt 4000 ]; do echo line $i; i=$((i+1)); done'], {
      logs: { maxSizeBytes: 16 * 1024, maxFiles: 2 },
    });
    await d.printed(target, 'first');
    const cursors: string[] = [];
    for await (const record of d.driver.logs(target, 'start', false, d.call())) cursors.push(record.cursor);
    await d.ended(target);
    const rest: (number | null | string)[] = [];
    for await (const record of d.driver.logs(target, { after: cursors[0] ?? '' }, false, d.call()))
      rest.push('gap' in record ? record.gap : Buffer.from(record.bytes).toString('utf8'));
    expect(rest[0]).toBe(null);
    expect(rest.at(-1)).toBe('line 3999\n');
  });

  test('log driver `local` keeps bytes that are no text', async () => {
    const { target } = await d.start(['/bin/sh', '-c', 'printf "\\377\\376\\000x\\n"'], { more: { container: { logDriver: 'local' } } });
    await d.ended(target);
    const records: number[] = [];
    for await (const record of d.driver.logs(target, 'start', false, d.call())) if ('bytes' in record) records.push(...record.bytes);
    expect(records).toEqual([255, 254, 0, 120, 10]);
  });

  test('a terminal is one, takes its size, and its command ends when whoever asked has gone', async () => {
    const { target } = await d.start(['sleep', '60']);
    const caller = new AbortController();
    const script = 'test -t 0 && echo a terminal; read x; stty size; echo $$; exec sleep 5000';
    const session = await d.driver.exec(target, ['/bin/sh', '-c', script], { tty: true }, callFor(30_000, caller.signal));
    await session.resize(91, 37);
    await session.stdin.getWriter().write(Buffer.from('go\n'));
    const reader = session.stdout.getReader();
    let said = '';
    while (!/37 91\r\n\d+\r\n/.test(said)) said += Buffer.from((await reader.read()).value ?? []).toString('utf8');
    // What is typed before it is asked for is echoed first.
    expect(said).toMatch(/^(?:go\r\n)?a terminal\r\n/);
    caller.abort();
    await session.exit;
    const { stdout } = await d.driver.exec(target, ['ps'], { tty: false }, d.call());
    const processes = await textOf(stdout);
    expect(processes).toContain('sleep 60');
    expect(processes).not.toContain('sleep 5000');
  });

  test('an agent that dies before it handed over the secret environment leaves no worker without it', async () => {
    const { signal } = callFor(30_000);
    const body = {
      Image: 'ostler-test/base:1',
      Entrypoint: receiverCommand,
      Cmd: ['echo', 'ran'],
      OpenStdin: true,
      StdinOnce: true,
      AttachStdin: true,
      HostConfig: { NetworkMode: 'none' },
    };
    for (const sent of ['', "\nexport KEY='x'\n", environmentScript({ KEY: 'x' }).slice(0, -3)]) {
      const { Id } = (await raw.json<{ Id: string }>({ method: 'POST', path: '/containers/create', body, what: 'make it', signal })).value;
      const stdin = await raw.upgrade({ method: 'POST', path: `/containers/${Id}/attach`, query: { stream: true, stdin: true }, what: 'attach', signal });
      await raw.json({ method: 'POST', path: `/containers/${Id}/start`, what: 'start', signal });
      stdin.end(sent);
      const { StatusCode } = (await raw.json<{ StatusCode: number }>({ method: 'POST', path: `/containers/${Id}/wait`, what: 'wait', signal })).value;
      expect(StatusCode).toBe(78);
      await raw.json({ method: 'DELETE', path: `/containers/${Id}`, what: 'remove', signal });
    }
  });

  test('a terminal would echo secret variables into the log: refused', async () => {
    const secrets = { files: [], env: { KEY: 'x' } };
    await expect(d.start(['sleep', '60'], { tty: true }, secrets)).rejects.toMatchObject({ code: 'unsupported', outcome: 'no' });
    const { target } = await d.start(['/bin/sh', '-c', 'test -t 1 && echo a terminal; echo two'], { tty: true });
    await d.ended(target);
    expect(await d.text(target)).toBe('a terminal\r\ntwo\r\n');
  });

  test('a long line of a terminal is read as it was printed', async () => {
    const script = 'head -c 40000 /dev/zero | tr "\\0" x; echo; echo two; head -c 20000 /dev/zero | tr "\\0" z';
    const { target } = await d.start(['/bin/sh', '-c', script], { tty: true });
    await d.ended(target);
    expect(await d.text(target)).toBe(`${'x'.repeat(40_000)}\r\ntwo\r\n${'z'.repeat(20_000)}`);
    let last = '';
    for await (const record of d.driver.logs(target, { tailLines: 1 }, false, d.call()))
      if ('bytes' in record) last += Buffer.from(record.bytes).toString('utf8');
    expect(last).toBe('z'.repeat(20_000));
  });

  test('one that a person paused is running, and stops', async () => {
    const { target, observed } = await d.start(['sleep', '60']);
    await raw.json({ method: 'POST', path: `/containers/${idOf(observed)}/pause`, what: 'pause', signal: callFor(5000).signal });
    expect((await d.driver.inspect(target, d.call())).is).toBe('running');
    expect(await d.driver.stop(target, { signal: 'SIGTERM', graceMs: 5000 }, d.call())).toMatchObject({ is: 'exited', exit: { signal: 'SIGTERM' } });
  });

  test('a worker whose usage cannot be read keeps nobody’s from being told', async () => {
    const { target } = await d.start(['sleep', '60']);
    const other: Target = { ...target, ref: { ...target.ref, generation: '2-bb' } };
    expect(await d.driver.stats([other, target, other], d.call())).toEqual([null, expect.objectContaining({ processes: expect.any(Number) }), null]);
  });

  test('usage is told alike from the cgroup and by the engine', async () => {
    const { target, observed } = await d.start(['/bin/sh', '-c', 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; exec sleep 60']);
    const found = (await raw.json<ContainerJson>({ path: `/containers/${idOf(observed)}/json`, what: 'look', signal: callFor(5000).signal })).value;
    const elsewhere = { ...found, State: { ...found.State, Pid: 0 } };
    const [near] = await waitFor('it has used some time', async () => {
      const all = await d.driver.stats([target], d.call());
      return (all[0]?.cpuNs ?? 0) > 5e7 ? all : undefined;
    });
    const far = await usageOf(raw, elsewhere, 'web', d.call());
    expect(far?.cpuNs ?? 0).toBeGreaterThanOrEqual(near?.cpuNs ?? Number.NaN);
    expect(far).toMatchObject({ processes: near?.processes, memoryBytes: expect.any(Number) });
  });
});
