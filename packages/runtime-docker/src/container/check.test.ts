import type { EngineFacts, WorkerSpec } from '@ostler/sdk';
import { workerSpec } from '@ostler/testkit';
import { expect, test } from 'vitest';
import { checkContainer } from './check.ts';

const facts: EngineFacts = {
  engine: 'e',
  name: 'docker',
  version: '1',
  limits: { memory: 'hard', cpu: 'hard', pids: 'hard', gpuMemory: 'none' },
  gpus: [],
  outlives: { agent: true, engine: false },
  notes: [],
};
const none = { memory: 'none', cpu: 'none', pids: 'none', gpuMemory: 'none' } as const;
const gpus = [{ id: 'GPU-1', kind: 'nvidia' }];
const image = [{ name: 'nginx', reference: 'nginx:1', build: null }];
const unlimited = { cpus: null, memoryBytes: null, memorySwapBytes: null, pids: null };
const MiB = 2 ** 20;
const check = (given: Partial<WorkerSpec>, over: Partial<EngineFacts> = {}, flavour: 'docker' | 'podman' = 'docker') =>
  checkContainer(workerSpec({ images: image, logs: { maxSizeBytes: MiB, maxFiles: 1 }, ...given }), { ...facts, ...over }, flavour).map(
    ({ level, field }) => `${level} ${field}`,
  );
const port = (publish: number | null) => [
  { name: 'http', port: 80, publish: publish === null ? null : { address: '127.0.0.1', port: publish }, protocol: 'tcp' as const },
];
const mount = (path: string, to = '/in') => [{ from: { path }, to, readOnly: true, name: null }];

test('a plain worker, and all that containers honour, has no finding', () => {
  expect(check({})).toEqual([]);
  const more = {
    ...{
      capabilities: { add: ['NET_ADMIN'] },
      devices: ['/dev/dri:/dev/dri:rw', '/dev/fuse'],
      dns: ['1.1.1.1'],
      extraHosts: { a: '10.0.0.1' },
      hostname: 'h',
      pull: 'always',
    },
    ...{
      shm: MiB,
      sysctls: { 'net.core.somaxconn': '1' },
      container: {
        seccomp: '/p.json',
        apparmor: 'x',
        selinux: 'type:x',
        logDriver: 'local',
        pid: 'host',
        ipc: 'shareable',
        userns: 'host',
        platform: 'linux/arm/v7',
      },
      networks: { back: { aliases: ['a'], address: null, definition: null } },
      privileged: true,
    },
  };
  expect(
    check({
      more,
      ports: port(80),
      limits: { cpus: 1, memoryBytes: 64 * MiB, memorySwapBytes: 128 * MiB, pids: 10 },
      ulimits: { nofile: { soft: 1, hard: 2 } },
    }),
  ).toEqual([]);
  expect(check({ gpu: { count: 1, ids: [], memoryBytes: null, exclusive: false } }, { gpus })).toEqual([]);
});

const gpu = (given: object) => ({ gpu: { count: null, ids: [], memoryBytes: null, exclusive: false, ...given } });
const build = { context: '/c', dockerfile: null, target: null, args: {}, from: null };

test.each<[string, Partial<WorkerSpec>, readonly string[]]>([
  ['no image', { images: [] }, ['refused image']],
  ['an image that is no name', { images: [{ name: 'x', reference: 'Not An Image', build: null }] }, ['refused image']],
  [
    'a build on an image that is no name',
    {
      images: [
        { name: 'x', reference: 'Not An Image', build: null },
        { name: 'y', reference: null, build },
      ],
    },
    ['refused image'],
  ],
  ['too little memory', { limits: { ...unlimited, memoryBytes: MiB } }, ['refused limits.memory']],
  ['swap without memory', { limits: { ...unlimited, memorySwapBytes: MiB } }, ['refused limits.memorySwap']],
  ['less swap than memory', { limits: { ...unlimited, memoryBytes: 64 * MiB, memorySwapBytes: MiB } }, ['refused limits.memorySwap']],
  ['a GPU where there is none', gpu({ count: 1 }), ['refused gpu']],
  ['sd_notify', { notify: { watchdogMs: null } }, ['refused health.notify']],
  ['a limit that no kernel knows', { ulimits: { odd: { soft: 1, hard: 1 } } }, ['refused ulimits.odd']],
  ['a mount over our own', { mounts: mount('/x', '/run/secrets/') }, ['refused mounts']],
  ['a mount on /', { mounts: mount('/x', '/') }, ['refused mounts']],
  ['a relative place', { mounts: mount('/x', 'in') }, ['refused mounts']],
  ['a port without a network', { ports: port(80), more: { networkMode: 'none' } }, ['refused ports']],
  ['another port on the host’s network', { ports: port(8080), more: { networkMode: 'host' } }, ['refused ports']],
  ['a port published by who shares a network', { ports: port(8080), more: { networkMode: 'worker:vpn' } }, ['refused ports']],
  [
    'what is the other’s for who shares a network',
    {
      more: {
        networkMode: 'worker:vpn',
        hostname: 'h',
        dns: ['1.1.1.1'],
        extraHosts: { a: '10.0.0.1' },
        sysctls: { 'net.ipv4.ip_forward': '1', 'kernel.sem': '1' },
      },
    },
    ['refused hostname', 'refused dns', 'refused extraHosts', 'refused sysctls.net.ipv4.ip_forward'],
  ],
  ['a sysctl of the host’s network', { more: { networkMode: 'host', sysctls: { 'net.core.somaxconn': '1' } } }, ['refused sysctls.net.core.somaxconn']],
  ['a name server and a host that are no addresses', { more: { dns: ['one'], extraHosts: { a: 'b' } } }, ['refused dns', 'refused extraHosts.a']],
  ['a capability that is none', { more: { capabilities: { add: ['NET_ADMIM'], drop: ['all', 'cap_chown'] } } }, ['refused capabilities.add']],
  ['a sandbox', { more: { sandbox: true } }, ['refused sandbox']],
  ['a device that is none', { more: { devices: ['nvidia.com/gpu=all'] } }, ['refused devices']],
  ['a log that cannot be read', { more: { container: { logDriver: 'syslog' } } }, ['refused container.logDriver']],
  [
    'words of the block that the engine does not take',
    { more: { container: { name: 'x', pid: 'worker:a', ipc: 'b', userns: 'keep-id', platform: 'arm64' } } },
    ['refused container.name', 'refused container.pid', 'refused container.ipc', 'refused container.userns', 'refused container.platform'],
  ],
])('%s is refused', (_, given, findings) => {
  expect(check(given)).toEqual(findings);
});

test('what this host cannot hold is said', () => {
  const limits = { cpus: 1, memoryBytes: 64 * MiB, memorySwapBytes: null, pids: 10 };
  expect(check({ limits }, { limits: none })).toEqual(['unenforced limits.memory', 'unenforced limits.cpus', 'unenforced limits.pids']);
  expect(check(gpu({ memoryBytes: MiB }), { gpus })).toEqual(['unenforced gpu.memory']);
  expect(check(gpu({ ids: ['GPU-2'] }), { gpus })).toEqual(['refused gpu.ids']);
  expect(check(gpu({ count: 2 }), { gpus })).toEqual(['refused gpu.count']);
  expect(check(gpu({ count: 1 }), { gpus, version: '5.3.2' }, 'podman')).toEqual(['refused gpu']);
  expect(check(gpu({ count: 1 }), { gpus, version: '5.4.0' }, 'podman')).toEqual([]);
  expect(check({ logs: { maxSizeBytes: MiB, maxFiles: 3 } }, {}, 'podman')).toEqual(['unenforced logs.maxFiles']);
  const imageHealth = { isAsked: true, intervalMs: null, timeoutMs: null, startPeriodMs: null, startIntervalMs: null, retries: null };
  const onPodman = (isAsked: boolean) => check({ imageHealth: { ...imageHealth, isAsked }, logs: { maxSizeBytes: MiB, maxFiles: 1 } }, {}, 'podman');
  expect([onPodman(true), onPodman(false), check({ imageHealth })]).toEqual([['unenforced health.image'], [], []]);
});

test('who shares a network may say where it listens', () => {
  expect(check({ ports: port(null), more: { networkMode: 'worker:vpn' } })).toEqual([]);
});

test('Podman has user namespaces that Docker has not', () => {
  expect(check({ logs: { maxSizeBytes: MiB, maxFiles: 1 }, more: { container: { userns: 'keep-id' } } }, {}, 'podman')).toEqual([]);
});
