import { describe, expect, test } from 'vitest';
import { imported, toldOf, workerOf } from './fixtures/imported.ts';

type Case = readonly [title: string, fields: string, worker: Readonly<Record<string, unknown>>, left?: RegExp | null];

const same: readonly Case[] = [
  ['a command of one text stays a text', 'command: redis-server --save ""', { command: 'redis-server --save ""' }],
  ['a folded command is one line', 'command: >\n  a\n  b\n', { command: 'a b' }],
  ['a list stays a list', 'entrypoint: [/bin/app, -v]\ncommand: [1, true]', { entrypoint: ['/bin/app', '-v'], command: ['1', 'true'] }],
  ['without its entrypoint the command is the program', 'entrypoint: []\ncommand: [/init]', { entrypoint: ['/init'] }],
  ['an entrypoint alone cannot be taken away', 'entrypoint: ""', {}, /^entrypoint of web .*cannot be taken away/],
  [
    'user, groups and folder',
    'user: "1000:1000"\ngroup_add: [video, 44]\nworking_dir: /srv',
    { user: '1000:1000', groups: ['video', '44'], workingDir: '/srv' },
  ],
  ['init is off unless asked for', 'init: true', { init: true }],
  ['a domain joins the host name', 'hostname: mail\ndomainname: example.org', { hostname: 'mail.example.org' }],
  ['a domain alone has no word', 'domainname: example.org', {}, /^domainname of web/],
  ['env as a list', 'environment: [A=1, "B=x=y", C=]', { env: { A: '1', B: 'x=y', C: '' } }],
  ['env as a map', 'environment: {A: 1, B: true, C: "", D: 0.50}', { env: { A: '1', B: 'true', C: '', D: '0.5' } }],
  ['a name without a value is left out where nothing sets it', 'environment: [A, B=1]', { env: { B: '1' } }, /^environment of web .*A has no value here/],
  ['names that are none', 'environment: {"a b": 1}', {}, /is no name of a variable/],
  ['labels both ways', 'labels: ["a=1", b]', { labels: { a: '1', b: '' } }],
  [
    'dns and hosts',
    'dns: 9.9.9.9\nextra_hosts: ["a:1.2.3.4", "b=::1", "c:[::2]", "g:host-gateway"]',
    { dns: ['9.9.9.9'], extraHosts: { a: '1.2.3.4', b: '::1', c: '::2', g: 'host-gateway' } },
  ],
  ['a host with two addresses has its first', 'extra_hosts: {a: [1.1.1.1, 2.2.2.2]}', { extraHosts: { a: '1.1.1.1' } }, /^extra_hosts\.a of web .*one address/],
  ['sizes count in 1024', 'shm_size: 64m\nmem_limit: 1g\nmemswap_limit: 1g', { shm: '64MiB', limits: { memory: '1GiB' } }],
  ['as much swap as memory, as the engine gives it', 'mem_limit: 300m', { limits: { memory: '300MiB', memorySwap: '600MiB' } }],
  [
    'limits of deploy',
    'deploy: {resources: {limits: {cpus: "0.5", memory: 50M, pids: 10}}}',
    { limits: { cpus: 0.5, memory: '50MiB', memorySwap: '100MiB', pids: 10 } },
  ],
  ['a quota of the CPU', 'cpu_quota: 50000\ncpu_period: 25000', { limits: { cpus: 2 } }],
  ['ulimits', 'ulimits: {nofile: {soft: 1, hard: 2}, memlock: -1, nproc: 7}', { ulimits: { nofile: { soft: 1, hard: 2 }, memlock: 'unlimited', nproc: 7 } }],
  [
    'tmpfs both ways',
    'tmpfs: [/run, "/tmp:size=10m,mode=1777"]\nvolumes: [{type: tmpfs, target: /x, tmpfs: {size: 1048576}}]',
    { tmpfs: [{ to: '/x', size: '1MiB' }, '/run', { to: '/tmp', size: '10MiB' }] },
  ],
  ['options of a tmpfs', 'tmpfs: /run:exec', { tmpfs: ['/run'] }, /^tmpfs of web .*`exec`/],
  [
    'capabilities',
    'cap_add: [NET_ADMIN, CAP_SYS_TIME, NET_ADMIM]\ncap_drop: [ALL]',
    { capabilities: { add: ['NET_ADMIN', 'CAP_SYS_TIME'], drop: ['ALL'] } },
    /NET_ADMIM is no capability/,
  ],
  [
    'security options',
    'security_opt: ["no-new-privileges:true", apparmor=unconfined, "label:disable", "seccomp:./p.json"]',
    { noNewPrivileges: true, container: { apparmor: 'unconfined', selinux: 'disable', seccomp: './p.json' } },
  ],
  ['a second label', 'security_opt: ["label=user:a", "label=type:b"]', { container: { selinux: 'user:a' } }, /^security_opt of web .*one SELinux label/],
  ['others of them', 'security_opt: ["systempaths=unconfined"]', {}, /^security_opt of web .*systempaths/],
  ['devices', 'devices: ["/dev/dri", {source: /dev/a, target: /dev/b, permissions: r}]', { devices: ['/dev/dri', '/dev/a:/dev/b:r'] }],
  ['GPUs by CDI', 'devices: ["nvidia.com/gpu=all"]', { gpu: { count: 'all' } }],
  ['other devices by CDI', 'devices: ["amd.com/gpu=0"]', {}, /CDI/],
  ['GPUs by deploy', 'deploy: {resources: {reservations: {devices: [{driver: nvidia, count: 2, capabilities: [gpu]}]}}}', { gpu: { count: 2 } }],
  ['GPUs by id', 'gpus: [{device_ids: ["0", "3"]}]', { gpu: { ids: ['0', '3'] } }],
  ['all GPUs', 'gpus: all', { gpu: { count: 'all' } }],
  ['GPUs by the runtime', 'runtime: nvidia\nenvironment: {NVIDIA_VISIBLE_DEVICES: "1"}', { env: { NVIDIA_VISIBLE_DEVICES: '1' }, gpu: { ids: ['1'] } }],
  ['another runtime', 'runtime: kata', {}, /^runtime of web/],
  ['devices that are no GPUs of NVIDIA', 'deploy: {resources: {reservations: {devices: [{driver: cdi, capabilities: [gpu]}]}}}', {}, /not `cdi` with gpu/],
  ['logs', 'logging: {driver: local, options: {max-size: 10m, max-file: "3"}}', { container: { logDriver: 'local' }, logs: { maxSize: '10MB', maxFiles: 3 } }],
  ['logs that nobody can read back', 'logging: {driver: gelf}', {}, /^logging\.driver of web .*cannot be read back/],
  ['the way it ends', 'stop_signal: INT\nstop_grace_period: 1m30s', { stop: { signal: 'SIGINT', grace: '90s' } }],
  ['a signal by its number', 'stop_signal: "3"', { stop: { signal: 'SIGQUIT' } }],
  ['a real-time signal', 'stop_signal: SIGRTMIN+3', { stop: { signal: 'SIGRTMIN+3' } }],
  ['a signal that is none', 'stop_signal: SIGSTKFLT', {}, /^stop_signal of web/],
  ['pulling', 'pull_policy: always', { pull: 'always' }],
  ['pulling by age', 'pull_policy: daily', {}, /^pull_policy of web/],
  ['read-only', 'read_only: yes\ntty: on', { readOnly: true, tty: true }],
  ['sysctls', 'sysctls: [net.core.somaxconn=1024]', { sysctls: { 'net.core.somaxconn': '1024' } }],
  ['many of it', 'scale: 3', {}, /^scale of web .*one host runs one of each/],
  ['none of it', 'deploy: {replicas: 0}', { enabled: false }],
  ['what Compose only reads out', 'expose: [3000]\nattach: false', {}],
];
const cases = same.map(([title, fields, worker, left = null]) => ({ title, fields, worker, left }));
test.each(cases)('$title', async ({ fields, worker, left }) => {
  const found = await workerOf(fields);
  expect(found.worker).toEqual(worker);
  if (left === null) expect(found.left).toEqual([]);
  else expect(found.left).toEqual([expect.stringMatching(left)]);
});

describe('ports', () => {
  test.each([
    ['8080:80', ['0.0.0.0:8080:80']],
    ['127.0.0.1:8080:80/udp', ['127.0.0.1:8080:80/udp']],
    ['[::1]:8080:80', ['[::1]:8080:80']],
    ['::1:8080:80', ['[::1]:8080:80']],
    ['3000-3002:4000-4002', ['0.0.0.0:3000:4000', '0.0.0.0:3001:4001', '0.0.0.0:3002:4002']],
    ['${P:-8080}:80', ['0.0.0.0:${P:-8080}:80']],
    ['${P:-8080}:${P:-8080}', ['0.0.0.0:${P:-8080}:${P:-8080}']],
    ['${WHERE:-127.0.0.1:99}:80', ['127.0.0.1:99:80']],
  ])('%s', async (port, ports) => {
    const { worker, left } = await workerOf(`ports: ["${port}"]`);
    expect([worker['ports'], left]).toEqual([ports, []]);
  });
  test('that the engine would choose are not published, and it is said', async () => {
    const { worker, left } = await workerOf('ports: [3000, "127.0.0.1::81", "50-52:82"]');
    expect(worker['ports']).toEqual(['3000', '81', '0.0.0.0:50:82']);
    expect(left).toEqual([expect.stringMatching(/^ports of web .*would choose a port/)]);
  });
  test('in their long form keep their name, and other protocols are left out', async () => {
    const { worker, left } = await workerOf('ports: [{target: 80, published: "8080", name: http, protocol: udp}, {target: 9, published: 9, protocol: sctp}]');
    expect(worker['ports']).toEqual([{ name: 'http', port: 80, publish: '0.0.0.0:8080', protocol: 'udp' }]);
    expect(left).toEqual([expect.stringMatching(/not sctp/)]);
  });
  test('are published once: a second time is left out', async () => {
    const { worker, left } = await workerOf('ports: ["80:80", "8080:80", "80:80/udp", "80:80"]');
    expect(worker['ports']).toEqual(['0.0.0.0:80:80', '0.0.0.0:80:80/udp']);
    expect(left).toEqual([expect.stringMatching(/once/)]);
  });
  test('that nothing can be made of are errors', async () => {
    expect(await toldOf(workerOf('ports: ["a:b", "1-3:1-2", {published: 3}, "99999:1"]'))).toEqual([
      expect.stringMatching(/^5:13 .*`a:b` is no port/),
      expect.stringMatching(/not as many ports/),
      expect.stringMatching(/expected `target`/),
      expect.stringMatching(/no range of ports/),
    ]);
  });
  test('come in the order that gives PORT the value that the service wants', async () => {
    expect((await workerOf('ports: ["9:9", "3000:3000"]\nenvironment: {PORT: 3000}')).worker['ports']).toEqual(['0.0.0.0:3000:3000', '0.0.0.0:9:9']);
    const { differs } = await workerOf('ports: ["9:9"]\nenvironment: {PORT: 3000}');
    expect(differs).toContainEqual(expect.stringMatching(/^environment of web .*sets PORT to the first/));
  });
});

describe('volumes', () => {
  const top = 'volumes: {data: , My_Data: , ext: {external: true, name: other}, bound: {driver_opts: {type: none, o: bind, device: ./b}}}';
  test.each([
    ['./a:/a', { from: './a', to: '/a' }],
    ['../a:/a:ro', { from: '../a', to: '/a', readOnly: true }],
    ['/a/../b:/a', { from: '/a/../b', to: '/a' }],
    ['~/a:/a:cached', { from: '/home/ann/a', to: '/a' }],
    ['data:/a', { volume: 'data', to: '/a' }],
    ['My_Data:/a', { volume: 'my-data', to: '/a' }],
    ['ext:/a', { volume: 'ext', to: '/a' }],
    ['bound:/a', { from: './b', to: '/a' }],
    ['/cache/x', { volume: 'web-cache-x', to: '/cache/x' }],
    ['${D:-./d}/x:/a', { from: '${D:-./d}/x', to: '/a' }],
    ['${SPEC:-./d:/d}', { from: './d', to: '/d' }],
  ])('%s', async (volume, mount) => {
    const { worker, left } = await workerOf(`volumes: ["${volume}"]`, { top });
    expect([worker['mounts'], left]).toEqual([[mount], []]);
  });
  test('in their long form', async () => {
    const { worker, left } = await workerOf(
      'volumes:\n  - {type: bind, source: ./a, target: /a, read_only: true, bind: {create_host_path: true, propagation: rslave}}\n  - {type: volume, source: data, target: /b, volume: {nocopy: true}}\n  - {type: volume, source: data, target: /c, volume: {subpath: x}}\n  - {type: npipe, source: a, target: /d}',
      { top },
    );
    expect(worker['mounts']).toEqual([
      { from: './a', to: '/a', readOnly: true },
      { volume: 'data', to: '/b' },
    ]);
    expect(left).toEqual([/propagation/, /nocopy/, /subpath/, /npipe/].map((text) => expect.stringMatching(text)));
  });
  test('stand at the top, with where their data lies now', async () => {
    const { hostFile, differsLines } = await workerOf('volumes: ["data:/a", "ext:/b", "bound:/c"]', { top });
    expect(hostFile.volumes).toEqual({ data: {}, 'my-data': {}, ext: { external: true, name: 'other' } });
    expect(differsLines.find((line) => line.includes('docker run'))).toMatch(/project_data -> ostler_data, project_My_Data -> ostler_my-data$/);
  });
  test('of the engine’s socket and of the whole host need a policy, which is written', async () => {
    const { hostFile, differsLines } = await workerOf('volumes: ["/var/run:/run:ro", "/:/host"]');
    expect(hostFile.policy).toEqual({ engineSocket: true, mountRoots: ['/'] });
    expect(differsLines).toContainEqual(expect.stringMatching(/^policy .*engine’s socket.*look at it once more/));
  });
  test('that are not there are errors, with what was meant', async () => {
    expect(await toldOf(workerOf('volumes: ["dta:/a", ":/b", "a:b:c:d"]', { top }))).toEqual([
      expect.stringMatching(/no volume `dta` \| Did you mean `data`\?/),
      expect.stringMatching(/found `:\/b`/),
      expect.stringMatching(/found `a:b:c:d`/),
    ]);
  });
});

describe('health', () => {
  const usual = { interval: '30s', timeout: '30s', startPeriod: '90s' };
  test.each([
    ['test: curl -f localhost', { exec: ['/bin/sh', '-c', 'curl -f localhost'], ...usual }],
    ['test: ["CMD", "curl", "-f"]', { exec: ['curl', '-f'], ...usual }],
    ['test: ["CMD-SHELL", "a $$B || c"]', { exec: ['/bin/sh', '-c', 'a $$B || c'], ...usual }],
    ['test: ["NONE"]', { image: false }],
    ['disable: true', { image: false }],
    [
      '{test: x, interval: 5s, timeout: 0s, retries: 2, start_period: 1m, start_interval: 10s}',
      { exec: ['/bin/sh', '-c', 'x'], interval: '5s', timeout: '30s', retries: 2, startPeriod: '70s', startInterval: '5s' },
    ],
    ['{interval: 1m, start_period: 0s}', { interval: '1m' }],
    ['{timeout: 3s, retries: 5, start_period: 10s, start_interval: 1s}', { timeout: '3s', retries: 5, startPeriod: '10s', startInterval: '1s' }],
  ])('%s', async (text, health) => {
    const { worker, left } = await workerOf(`healthcheck:${text.startsWith('{') ? ` ${text}` : `\n  ${text}`}`);
    expect([worker['health'], left]).toEqual([health, []]);
  });
  test('restarts the one that is labelled for it', async () => {
    expect((await workerOf('healthcheck: {test: x}\nlabels: [autoheal=true]')).worker['health']).toHaveProperty('onUnhealthy', 'restart');
    expect((await workerOf('labels: [autoheal=true]')).worker['health']).toEqual({ onUnhealthy: 'restart' });
  });
  test('that nothing can be made of is an error', async () => {
    expect(await toldOf(workerOf('healthcheck: {test: [curl, x], interval: 30}'))).toEqual([expect.stringMatching(/begins with CMD, CMD-SHELL or NONE/)]);
    expect(await toldOf(workerOf('healthcheck: {test: x, interval: 30}'))).toEqual([expect.stringMatching(/a duration with its unit.*found `30`/)]);
  });
});

describe('restarts', () => {
  test.each([
    ['restart: always', undefined],
    ['restart: unless-stopped', undefined],
    ['restart: "no"', 'never'],
    ['restart: no', 'never'],
    ['restart:', 'never'],
    ['restart: on-failure', 'on-failure'],
    ['restart: on-failure:3', { policy: 'on-failure', giveUp: 3 }],
    ['deploy: {restart_policy: {condition: any}}', undefined],
    ['deploy: {restart_policy: {condition: on-failure, max_attempts: 2}}', { policy: 'on-failure', giveUp: 2 }],
    ['deploy: {restart_policy: {condition: none}}', 'never'],
  ])('%s', async (text, restart) => {
    const { hostFile } = await imported({ 'compose.yaml': `services:\n  web:\n    image: i\n    ${text}\n` });
    expect(hostFile.workers['web']?.['restart']).toEqual(restart);
  });
});

describe('what depends on others', () => {
  const three = (web: string, job = '') =>
    imported({ 'compose.yaml': `services:\n  web: {image: i, ${web}}\n  db: {image: i}\n  Init_Job: {image: i, ${job}}\n` });
  test('waits for the same state, and a job is what others wait for to be done', async () => {
    const { hostFile } = await three(
      'depends_on: {db: {condition: service_healthy, restart: true}, Init_Job: {condition: service_completed_successfully, required: false}}',
      'restart: on-failure',
    );
    expect(hostFile.workers['web']?.['dependsOn']).toEqual({ db: { is: 'healthy', restartWithIt: true }, 'init-job': { is: 'completed', optional: true } });
    expect(hostFile.workers['init-job']).toMatchObject({ kind: 'job', restart: { policy: 'on-failure', giveUp: false } });
    const compose = { init: false, noNewPrivileges: false, health: { onUnhealthy: 'report' } };
    expect(hostFile.defaults).toEqual({ service: compose, job: compose });
  });
  test('by links finds them by their alias', async () => {
    const { hostFile } = await three('links: ["db:database"]');
    expect(hostFile.workers['web']?.['dependsOn']).toEqual({ db: 'started' });
    expect(hostFile.workers['db']?.['networks']).toEqual({ default: { aliases: ['database'] } });
  });
  test('in a circle, or on nobody, is an error', async () => {
    expect(await toldOf(imported({ 'compose.yaml': 'services:\n  a: {image: i, depends_on: [b]}\n  b: {image: i, depends_on: [a, c]}\n' }))).toEqual([
      expect.stringMatching(/circle: a -> b -> a/),
      expect.stringMatching(/no service `c`/),
    ]);
  });
});

describe('names', () => {
  test('that are no DNS labels are changed, and the old ones still lead there', async () => {
    const { hostFile } = await imported({
      'compose.yaml':
        'services:\n  my_app: {image: i, container_name: The_App}\n  my.app: {image: i}\n  my-app: {image: i, networks: [n_1]}\nnetworks: {n_1: }\n',
    });
    expect(Object.keys(hostFile.workers)).toEqual(['my-app-2', 'my-app-3', 'my-app']);
    expect(hostFile.workers['my-app-2']?.['networks']).toEqual({ default: { aliases: ['The_App', 'my_app'] } });
    expect(hostFile.workers['my-app']?.['networks']).toEqual(['n-1']);
    expect(hostFile.networks).toEqual({ 'n-1': {} });
  });
  test('lead to one worker of a network: a second one is left out', async () => {
    const { hostFile, leftLines } = await imported({
      'compose.yaml': 'services:\n  a: {image: i, networks: {n: {aliases: [x, b]}}}\n  b: {image: i, networks: {n: {aliases: [x, y]}}}\nnetworks: {n: }\n',
    });
    expect(hostFile.workers['a']?.['networks']).toEqual({ n: { aliases: ['x'] } });
    expect(hostFile.workers['b']?.['networks']).toEqual({ n: { aliases: ['y'] } });
    expect(leftLines).toEqual([expect.stringMatching(/alias b: it leads to b/), expect.stringMatching(/alias x: it leads to a/)]);
  });
});

describe('networks', () => {
  test('of others, of the host, of none', async () => {
    const { hostFile, leftLines } = await imported({
      'compose.yaml':
        'services:\n  vpn: {image: i, container_name: tunnel}\n  a: {image: i, network_mode: "service:b", hostname: h, dns: 1.1.1.1}\n  b: {image: i, network_mode: "container:tunnel"}\n  c: {image: i, network_mode: host, hostname: h, sysctls: {net.a: 1, b: 2}}\n  d: {image: i, network_mode: none}\n  e: {image: i, network_mode: outside}\n  f: {image: i, network_mode: "container:elsewhere"}\n',
    });
    const modes = Object.fromEntries(Object.entries(hostFile.workers).map(([name, worker]) => [name, worker['networkMode'] ?? worker['networks']]));
    expect(modes).toEqual({ vpn: { default: { aliases: ['tunnel'] } }, a: 'worker:vpn', b: 'worker:vpn', c: 'host', d: 'none', e: ['outside'], f: undefined });
    expect(hostFile.workers['c']?.['sysctls']).toEqual({ b: '2' });
    expect(hostFile.networks).toEqual({ outside: { external: true, name: 'outside' } });
    expect(hostFile.policy).toEqual({ hostNamespaces: true });
    expect(leftLines).toEqual(
      [/container elsewhere/, /^hostname of a/, /^dns of a/, /^hostname of c/, /^sysctls of c/].map((text) => expect.stringMatching(text)),
    );
  });
  test('keep what is said of them', async () => {
    const { hostFile, leftLines } = await imported({
      'compose.yaml':
        'services: {a: {image: i, networks: {n: {ipv4_address: 10.1.0.5, ipv6_address: "::5"}, default: }}}\nnetworks:\n  n: {driver: macvlan, driver_opts: {parent: eth0}, internal: true, name: wire, labels: [a=b], ipam: {config: [{subnet: 10.1.0.0/24, gateway: 10.1.0.1}]}}\n  default: {driver_opts: {x: 1}}\n',
    });
    expect(hostFile.networks).toEqual({
      n: { name: 'wire', driver: 'macvlan', driverOpts: { parent: 'eth0' }, internal: true, subnet: '10.1.0.0/24', gateway: '10.1.0.1', labels: { a: 'b' } },
      default: { driverOpts: { x: '1' } },
    });
    expect(hostFile.workers['a']?.['networks']).toEqual({ n: { address: '10.1.0.5' }, default: {} });
    expect(leftLines).toEqual([expect.stringMatching(/ipv6_address/)]);
  });
  test('keep one range of IPv4 and one of IPv6, each with its gateway and what is given out of it', async () => {
    const { hostFile, leftLines } = await imported({
      'compose.yaml': `services: {a: {image: i, networks: [n, free]}}
networks:
  n:
    enable_ipv6: true
    ipam:
      config:
        - {subnet: "fd00:9::/64", gateway: "fd00:9::1"}
        - {subnet: 10.9.0.0/16, gateway: 10.9.0.1, ip_range: 10.9.8.0/24, aux_addresses: {printer: 10.9.8.9}}
        - {subnet: 10.10.0.0/16, gateway: 10.10.0.1}
  free: {ipam: {config: [{gateway: 10.11.0.1}]}}
`,
    });
    expect(hostFile.networks).toEqual({
      n: { subnet: ['10.9.0.0/16', 'fd00:9::/64'], gateway: ['10.9.0.1', 'fd00:9::1'], ipRange: '10.9.8.0/24', ipv6: true },
      free: {},
    });
    expect(leftLines).toEqual([/aux_addresses/, /one of IPv6: 10\.9\.0\.0\/16, fd00:9::\/64/, /without a `subnet`/].map((text) => expect.stringMatching(text)));
  });
});

describe('builds', () => {
  const build = (fields: string, files: Readonly<Record<string, string>> = { 'app/Dockerfile': 'FROM x' }) =>
    imported({ 'compose.yaml': `services:\n  web: {restart: always, ${fields}}\n  other: {image: i, depends_on: [web]}\n`, ...files });
  test.each([
    ['build: ./app', './app'],
    ['build: {context: app, dockerfile: Dockerfile}', './app'],
    [
      'build: {context: ./app, dockerfile: D, target: t, args: [A=1, B], no_cache: true}, image: i',
      { context: './app', dockerfile: 'D', target: 't', args: { A: '1' } },
    ],
  ])('of a folder that is there: %s', async (fields, expected) => {
    const { hostFile } = await build(fields);
    expect(hostFile.workers['web']).toEqual({ runtime: 'docker', build: expected });
  });
  test.each(['build: ./none, image: i', 'build: "https://example.org/x.git", image: i', 'build: {context: ./app, dockerfile_inline: FROM x}, image: i'])(
    'of what is not, where there is an image, run that: %s',
    async (fields) => {
      const { hostFile, leftLines } = await build(fields);
      expect(hostFile.workers['web']).toEqual({ runtime: 'docker', image: 'i' });
      expect(leftLines).toEqual([expect.stringMatching(/^build.* of web .*its image is run$/)]);
    },
  );
  test.each(['build: "git@example.org:x"', 'build: {context: ./app, dockerfile_inline: FROM x}', 'provider: {type: x}'])(
    'of what is not, with no image, are left out, and nobody waits for them: %s',
    async (fields) => {
      const { hostFile, leftLines } = await build(fields);
      expect(hostFile.workers).toEqual({ other: { runtime: 'docker', image: 'i', restart: 'never' } });
      expect(leftLines).toContainEqual(expect.stringMatching(/^web \(compose\.yaml:2\): the whole service is left out/));
      expect(leftLines).toContainEqual(expect.stringMatching(/^depends_on of other/));
    },
  );
});

test('secrets and configs of files are handed over, others are named with what to do', async () => {
  const { hostFile, leftLines } = await imported({
    'compose.yaml':
      'services:\n  a:\n    image: i\n    secrets: [s, {source: s, target: other, mode: 0440, uid: "7"}, {source: s, target: /etc/s}, e]\n    configs: [c, {source: c, target: /etc/c}, k]\nsecrets: {s: {file: ./s.txt}, e: {environment: E}}\nconfigs: {c: {file: ./c.txt}, k: {content: "x"}}\n',
  });
  expect(hostFile.workers['a']).toMatchObject({
    secrets: { files: { s: 'file:./s.txt', other: { ref: 'file:./s.txt', mode: '0440', uid: 7 } } },
    mounts: [
      { from: './s.txt', to: '/etc/s', readOnly: true },
      { from: './c.txt', to: '/c', readOnly: true },
      { from: './c.txt', to: '/etc/c', readOnly: true },
    ],
  });
  expect(leftLines).toEqual([
    expect.stringMatching(/^secrets of a .*e: it comes from the environment/),
    expect.stringMatching(/^configs of a .*k: its content/),
  ]);
});

test('every field that Compose has and a host file has not says why', async () => {
  const { withoutWord } = await import('./file/words.ts');
  const fields = Object.keys(withoutWord).map((word) => `${word}: 1`);
  const { left } = await workerOf(fields.join('\n'));
  expect(left.map((line) => line.split(' ')[0]).sort()).toEqual(Object.keys(withoutWord).sort());
});

test('fields that nobody has are errors, each with what was meant', async () => {
  expect(await toldOf(workerOf('imagee: x\nhealthcheck: {tset: x}\nbuild: {contxt: .}\ndeploy: {resource: 1}\nlogging: {drivr: x}\nx-mine: 1'))).toEqual([
    expect.stringMatching(/^5:5 unknown field `imagee` in services\.web \| Did you mean `image`/),
    expect.stringMatching(/`tset`.*Did you mean `test`/),
    expect.stringMatching(/expected `context`/),
    expect.stringMatching(/`contxt`.*Did you mean `context`/),
    expect.stringMatching(/`resource`.*Did you mean `resources`/),
    expect.stringMatching(/`drivr`.*Did you mean `driver`/),
  ]);
});
