import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRuntimeFailure } from '@ostler/sdk';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Connection } from './engine/connection.ts';
import { importBaseImage } from './fixtures/base-image.ts';
import { testDockerd } from './fixtures/dockerd.ts';
import { opened } from './fixtures/opened.ts';
import { testPodman } from './fixtures/podman-service.ts';
import { podmanUlimits } from './fixtures/probe.ts';
import { callFor } from './fixtures/scripted-engine.ts';
import { subnet, use, workers } from './fixtures/workers.ts';

const abilities = JSON.parse(process.env['OSTLER_ABILITIES'] ?? '{}') as Readonly<Record<string, string | null>>;
const serve = (text: string) => `mkdir -p /tmp/w; echo ${text} >/tmp/w/index.html; exec httpd -f -p 8000 -h /tmp/w`;
const fetch = (host: string) => `until wget -q -O- http://${host}:8000/ 2>/dev/null; do sleep 0.1; done`;

const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail('it succeeded'),
    (error: unknown) => (isRuntimeFailure(error) ? { code: error.code, outcome: error.outcome, message: error.message } : error),
  );

describe.each(['docker', 'podman'] as const)('networks of %s', { timeout: 90_000 }, (flavour) => {
  const isThere = abilities[flavour] === null;
  const engine = flavour === 'docker' ? testDockerd() : testPodman();
  const raw = new Connection(() => ({ url: engine.host, saidBy: 'the test', socketPath: engine.socketPath }), flavour);
  let d: ReturnType<typeof opened>;
  let w: ReturnType<typeof workers>;
  beforeAll(async () => {
    if (!isThere) return;
    await engine.start();
    await importBaseImage(engine.socketPath, engine.dir);
    d = opened(engine.host, flavour, flavour === 'podman' ? { ulimits: podmanUlimits } : {});
  }, 60_000);
  beforeEach(({ skip }) => {
    if (!isThere) skip(`there is no ${flavour}: ${abilities[flavour] ?? 'nobody looked'}`);
    w = workers(d);
  });
  afterEach(() => w?.end(), 60_000);
  afterAll(async () => {
    await d?.end();
    raw.close();
    await engine.end();
  }, 60_000);

  const ask = async <T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<T> =>
    (await raw.json<T>({ method, path, ...(body === undefined ? {} : { body }), what: path, signal: callFor(20_000).signal })).value;
  const own = async (): Promise<readonly string[]> => {
    const all = await ask<readonly { Name: string; Labels?: Record<string, string> }[]>('GET', '/networks');
    return all.filter(({ Labels }) => Labels?.['ostler.agent'] === d.agent).map(({ Name }) => Name);
  };
  const inNamespace = (...argv: readonly string[]) => execFileSync('nsenter', ['-t', String(engine.daemon.pid), '-n', ...argv], { encoding: 'utf8' });

  test('a worker has its fixed address on each of its networks, and is on no other', async () => {
    const networks = {
      back: use({ subnets: [subnet('10.91.1.0/24')], internal: true }, { address: '10.91.1.9' }),
      front: use({ subnets: [subnet('10.91.2.0/24', { gateway: '10.91.2.254' })] }, { address: '10.91.2.9' }),
    };
    const one = await w.start('web', 'ip -o -4 addr; ip route', { networks });
    const said = await w.said(one);
    expect(said).toContain('10.91.1.9/24');
    expect(said).toContain('10.91.2.9/24');
    expect(said).toContain('default via 10.91.2.254');
    expect(said.match(/inet /g)).toHaveLength(3);
  });

  test('workers that start at one time on a network that is not there yet make one of it', async () => {
    for (let round = 0; round < 3; round += 1) {
      const networks = { [`many${round}`]: use({}) };
      const names = ['a', 'b', 'c', 'd'];
      await Promise.all(names.map((name) => w.start(`${name}${round}`, 'exec sleep 600', { networks })));
      expect((await own()).filter((name) => name.endsWith(`many${round}`))).toHaveLength(1);
    }
  });

  test('two networks of one name, as two agents one after the other may leave them, become one', async ({ skip }) => {
    if (flavour === 'podman') skip('Podman lets no two have one name');
    const name = `ostler-${d.agent.replaceAll('-', '').slice(0, 12)}-twice`;
    for (let made = 0; made < 2; made += 1) await ask('POST', '/networks/create', { Name: name, Labels: { 'ostler.agent': d.agent } });
    expect((await own()).filter((one) => one === name)).toHaveLength(2);
    await w.start('web', 'exec sleep 600', { networks: { twice: use({}) } });
    expect((await own()).filter((one) => one === name)).toHaveLength(1);
  });

  test('a fixed address that another container has is a conflict that says so, and one outside of an external network is no address of it', async () => {
    const back = (address: string) => ({ networks: { back: use({ subnets: [subnet('10.91.3.0/24')] }, { address }) } });
    await w.start('web', 'exec sleep 60', back('10.91.3.9'));
    expect(await failureOf(w.start('other', 'exec sleep 60', back('10.91.3.9')))).toMatchObject({
      code: 'conflict',
      outcome: 'no',
      message: expect.stringContaining('fixed address'),
    });
    const [name = ''] = (await own()).filter((one) => one.endsWith('-back'));
    const outside = { networks: { far: use({ external: true, name }, { address: '10.99.0.9' }) } };
    expect(await failureOf(w.start('third', 'exec sleep 60', outside))).toMatchObject({
      code: 'invalid',
      outcome: 'no',
      message: expect.stringContaining('no such address'),
    });
  });

  test('what is taken on the host by another network cannot be a network’s addresses', async () => {
    await w.start('web', 'exec sleep 60', { networks: { a: use({ subnets: [subnet('10.91.4.0/24')] }) } });
    const failure = await failureOf(w.start('other', 'exec sleep 60', { networks: { b: use({ subnets: [subnet('10.91.4.0/25')] }) } }));
    expect(failure).toMatchObject({ code: 'conflict', outcome: 'no', message: expect.stringContaining('10.91.4.0/25') });
    expect((await own()).filter((name) => name.endsWith('-b'))).toEqual([]);
  });

  test('an external network is used as it is, and stays; one that is not there, and a name of somebody else’s, are told before anything is done', async () => {
    await ask('POST', '/networks/create', { Name: 'theirs', Driver: 'bridge', Labels: { 'com.docker.compose.project': 'shop' } });
    try {
      const on = (definition: object) => ({ networks: { far: use(definition) } });
      const one = await w.start('web', 'exec sleep 60', on({ external: true, name: 'theirs' }));
      expect(await failureOf(w.start('other', 'true', on({ name: 'theirs' })))).toMatchObject({
        code: 'conflict',
        outcome: 'no',
        message: expect.stringMatching(/theirs belongs to the Compose project shop.*external: true/),
      });
      expect(await failureOf(w.start('other', 'true', on({ external: true, name: 'nobodys' })))).toMatchObject({ code: 'not-found', outcome: 'no' });
      await w.remove(one.target);
      const { Name } = await ask<{ Name: string }>('GET', '/networks/theirs');
      expect(Name).toBe('theirs');
    } finally {
      await w.end();
      await ask('DELETE', '/networks/theirs');
    }
  });

  test('a network of which the host file says something else is made anew when nobody runs on it as it was', async () => {
    const on = (text: string) => ({ networks: { moved: use({ subnets: [subnet(text)] }) } });
    const [first, second] = [await w.start('web', 'exec sleep 60', on('10.91.5.0/24')), await w.start('other', 'exec sleep 60', on('10.91.5.0/24'))];
    await d.driver.stop(first.target, { signal: 'SIGKILL', graceMs: 0 }, d.call());
    expect(await failureOf(w.start('web', 'ip -o -4 addr', on('10.91.6.0/24')))).toMatchObject({
      code: 'conflict',
      outcome: 'no',
      message: expect.stringContaining('other still runs on it'),
    });
    await d.driver.stop(second.target, { signal: 'SIGKILL', graceMs: 0 }, d.call());
    expect(await w.said(await w.start('web', 'ip -o -4 addr', on('10.91.6.0/24')))).toContain('10.91.6.');
  });

  test('with the last container that was on it a network goes, and not before', async () => {
    const on = { networks: { brief: use({}) } };
    const [first, second] = [await w.start('web', 'exec sleep 60', on), await w.start('other', 'exec sleep 60', on)];
    const isThereStill = async () => (await own()).some((name) => name.endsWith('-brief'));
    await w.remove(first.target);
    expect(await isThereStill()).toBe(true);
    await w.remove(second.target);
    expect(await isThereStill()).toBe(false);
  });

  test('who shares a network is reached where that one is, reaches it as itself, and is reached by the agent at its own port', async () => {
    const ports = [
      { name: 'http', port: 8000, publish: { address: '127.0.0.1', port: 18_441 }, protocol: 'tcp' },
      { name: 'more', port: 8001, publish: null, protocol: 'tcp' },
    ] as const;
    const owner = await w.start('vpn', 'exec sleep 60', {}, { ports });
    const mine = [{ name: '8000', port: 8000, publish: null, protocol: 'tcp' }] as const;
    const sharer = await w.start('web', serve('shared'), { networkMode: 'worker:vpn' }, { shares: owner.target, ports: mine });
    expect(sharer.observed).toMatchObject({ is: 'running', endpoints: [{ port: 8000, address: '127.0.0.1:18441' }] });
    expect(inNamespace('busybox', 'sh', '-c', 'until busybox wget -q -O- http://127.0.0.1:18441/ 2>/dev/null; do sleep 0.1; done')).toBe('shared\n');
    const inside = await w.start('probe', fetch('127.0.0.1'), { networkMode: 'worker:vpn' }, { shares: owner.target });
    expect(await w.said(inside)).toBe('shared\n');
    await d.driver.stop(owner.target, { signal: 'SIGKILL', graceMs: 0 }, d.call());
    const late = failureOf(w.start('late', 'true', { networkMode: 'worker:vpn' }, { shares: owner.target }));
    expect(await late).toMatchObject({ code: 'not-running', outcome: 'no', message: expect.stringContaining('vpn') });
    expect((await d.driver.list(d.agent, d.call())).instances.map(({ ref }) => ref.worker)).not.toContain('late');
  });

  test('a volume has the name and the driver that the host file gives it; an external one is used as it is, and not made', async () => {
    const mount = (volume: string, definition: object) => ({
      mounts: [
        {
          from: { volume, definition: { external: false, name: null, driver: null, driverOpts: {}, labels: {}, ...definition } },
          to: '/v',
          readOnly: false,
          name: null,
        },
      ],
    });
    const scratch = { driverOpts: { type: 'tmpfs', device: 'tmpfs', o: 'nodev' }, labels: { mine: 'yes' } };
    expect(await w.said(await w.start('web', 'df -k /v | tail -1', { networkMode: 'none' }, mount('scratch', scratch)))).toMatch(/^tmpfs /);
    expect(await ask('GET', '/volumes/ostler_scratch')).toMatchObject({ Labels: { mine: 'yes' }, Options: { type: 'tmpfs' } });
    const bigger = mount('scratch', { driverOpts: { ...scratch.driverOpts, o: 'nosuid' } });
    expect(await failureOf(w.start('web', 'true', { networkMode: 'none' }, bigger))).toMatchObject({
      code: 'conflict',
      outcome: 'no',
      message: expect.stringContaining('another o '),
    });
    const theirs = mount('data', { external: true, name: 'shop_data' });
    expect(await failureOf(w.start('web', 'true', { networkMode: 'none' }, theirs))).toMatchObject({ code: 'not-found', outcome: 'no' });
    await ask('POST', '/volumes/create', { Name: 'shop_data' });
    const one = await w.start('web', 'touch /v/x; exec sleep 60', { networkMode: 'none' }, theirs);
    await w.remove(one.target);
    expect(await w.said(await w.start('web', 'ls /v', { networkMode: 'none' }, theirs))).toBe('x\n');
  });

  test('a container gets the host’s pid namespace, and a shareable ipc, where it asks for them', async () => {
    const one = await w.start('web', 'cat /proc/1/comm; sleep 60', { networkMode: 'none', container: { pid: 'host', ipc: 'shareable' } });
    expect(await d.printed(one.target, '\n')).not.toMatch(/init$|^sh$|tini|catatonit/m);
    const { id } = one.observed.handle.data as { id: string };
    const { HostConfig } = await ask<{ HostConfig: { PidMode: string; IpcMode: string } }>('GET', `/containers/${id}/json`);
    expect(HostConfig).toMatchObject({ PidMode: 'host', IpcMode: 'shareable' });
  });

  test('a seccomp profile of a file holds, and stays as it was when it was applied', async () => {
    const path = join(d.dir, 'profile.json');
    const syscalls = [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' }];
    writeFileSync(path, JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls }));
    const more = { networkMode: 'none', container: { seccomp: 'profile.json' } };
    const spec = { ...d.specOf(['/bin/sh', '-c', 'mkdir /tmp/x || echo refused'], { baseDir: d.dir }), more };
    const run = await d.runOf(spec);
    writeFileSync(path, JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW' }));
    const ref = d.ref();
    const { handle } = await d.driver.start(ref, run, d.call());
    await d.ended({ ref, handle });
    expect(await d.text({ ref, handle })).toMatch(/refused/);
    const { artifact } = await d.runOf(spec);
    expect(artifact.digest).not.toBe(run.artifact.digest);
    writeFileSync(path, 'none');
    expect(await failureOf(d.driver.resolve(spec, d.call()))).toMatchObject({ code: 'invalid', message: expect.stringContaining(path) });
  });

  test('whether names are found on networks is what the engine’s facts say', async () => {
    await w.start('db', 'exec sleep 60', { networks: { front: use({}) } });
    const said = await w.said(await w.start('web', 'ping -c 1 -W 5 db >/dev/null 2>&1 && echo found || echo nobody', { networks: { front: use({}) } }));
    const { notes } = await d.driver.facts(d.call());
    expect(said).toBe(notes.some((note) => note.includes('do not find each other by name')) ? 'nobody\n' : 'found\n');
  });

  test('workers find each other by name and by alias on the networks that both are on, and on no other', async ({ skip }) => {
    await w.start('one', 'exec sleep 60', { networks: { front: use({}) } });
    if ((await d.driver.facts(d.call())).notes.some((note) => note.includes('by name'))) skip('this Podman has no names on its networks');
    const [back, front] = [use({ internal: true }, { aliases: ['store'] }), use({})];
    await w.start('db', serve('found'), { networks: { back } });
    expect(await w.said(await w.start('web', fetch('db'), { networks: { front, back: use({ internal: true }) } }))).toBe('found\n');
    expect(await w.said(await w.start('web', fetch('store'), { networks: { back: use({ internal: true }) } }))).toBe('found\n');
    expect(await w.said(await w.start('web', 'nslookup db >/dev/null 2>&1 || echo nobody', { networks: { front } }))).toBe('nobody\n');
    const [name = ''] = (await own()).filter((one) => one.endsWith('-back'));
    expect(await ask('GET', `/networks/${name}`)).toMatchObject({ Internal: true });
  });
});
