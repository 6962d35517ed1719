import { describe, expect, it } from 'vitest';
import { load, problemOf, told } from './fixtures/host-file.ts';

const faults = async (text: string, files: Readonly<Record<string, string>> = {}): Promise<readonly string[]> =>
  told(await problemOf(load({ 'ostler.yaml': text, ...files })));
const one = (fields: string, top = ''): string => `${top}workers:\n  web: { image: i, runtime: docker, ${fields} }\n  db: { image: i, runtime: docker }\n`;

describe('the networks of a worker', () => {
  it('stay with its definition: what is said of them at the top, and of the one that all share', async () => {
    const text =
      'networks: { back: { subnet: 10.9.0.0/24 }, idle: {}, default: { internal: true } }\nworkers:\n  web: { image: i, networks: [back] }\n  api: { image: i }\n  tool: { command: c, runtime: native }\n';
    const { workers } = await load({ 'ostler.yaml': text });
    expect(Object.values(workers).map(({ written }) => (written as { networkDefinitions?: unknown }).networkDefinitions)).toEqual([
      { back: { subnet: '10.9.0.0/24' }, default: { internal: true } },
      { default: { internal: true } },
      undefined,
    ]);
  });
  it('may be empty at the top, and the shared one may be named', async () => {
    const { workers } = await load({ 'ostler.yaml': one('networks: [back, default]', 'networks: { back: }\n') });
    expect(workers['web']?.written).toMatchObject({ networkDefinitions: { back: {} } });
  });
  it('cannot be told to it by hand', async () => {
    expect(await faults(one('networkDefinitions: {}'))).toEqual([expect.stringContaining('networkDefinitions')]);
  });
  it.each([
    [
      'one that is not there',
      one('networks: [bakc]', 'networks: { back: {} }\n'),
      ['3:47 workers.web.networks: the host file has no network `bakc` | Did you mean `back`?'],
    ],
    ['none', one('networks: []'), [expect.stringContaining('networkMode: none')]],
    ['a mode as well', one('networks: [default], networkMode: none'), [expect.stringMatching(/cannot both be given/)]],
    ['an alias twice', one('networks: { default: { aliases: [a, a] } }'), [expect.stringMatching(/`a` is given twice/)]],
    ['an alias that is a worker', one('networks: { default: { aliases: [db] } }'), [expect.stringMatching(/`db` is the name of the worker db/)]],
    ['an alias that is no name', one('networks: { default: { aliases: ["a b"] } }'), [expect.stringMatching(/`a b` cannot be a name/)]],
    [
      'no address',
      one('networks: { a: { address: 10.9.0 } }', 'networks: { a: { subnet: 10.9.0.0/24 } }\n'),
      [expect.stringMatching(/^3:.*`10\.9\.0` is no IP address/)],
    ],
    [
      'an address of no subnet',
      one('networks: { a: { address: 10.9.0.9 } }', 'networks: { a: {} }\n'),
      [expect.stringMatching(/needs a network whose subnet is known \| .*subnet: 10\.9\.0\.0\/24/)],
    ],
    [
      'an address outside',
      one('networks: { a: { address: 10.8.0.9 } }', 'networks: { a: { subnet: 10.9.0.0/24 } }\n'),
      [expect.stringMatching(/10\.8\.0\.9 is not within the subnet of a, 10\.9\.0\.0\/24/)],
    ],
    [
      'the gateway’s address',
      one('networks: { a: { address: 10.9.0.1 } }', 'networks: { a: { subnet: 10.9.0.0/24 } }\n'),
      [expect.stringMatching(/its gateway/)],
    ],
    [
      'the network’s address',
      one('networks: { a: { address: 10.9.0.255 } }', 'networks: { a: { subnet: 10.9.0.0/24 } }\n'),
      [expect.stringMatching(/broadcast address/)],
    ],
  ])('are refused: %s', async (_, text, expected) => {
    expect(await faults(text)).toEqual(expected);
  });
  it('have each name and each address once', async () => {
    const top = 'networks: { a: { subnet: 10.9.0.0/24 } }\nworkers:\n';
    const worker = (name: string, more: string) => `  ${name}: { image: i, networks: { a: { ${more} } } }\n`;
    expect(await faults(top + worker('web', 'aliases: [x], address: 10.9.0.9') + worker('api', 'aliases: [x], address: 10.9.0.9'))).toEqual([
      expect.stringMatching(/^4:.*`x` is an alias of web, too \(ostler\.yaml:3:/),
      expect.stringMatching(/^4:.*web has the address 10\.9\.0\.9 \(ostler\.yaml:3:/),
    ]);
  });
  it('may have one alias on several of them, and that of an external one any address', async () => {
    const text =
      'networks: { a: {}, b: { external: true } }\nworkers:\n  web: { image: i, networks: { a: { aliases: [x] }, b: { address: 1.2.3.4 } } }\n  api: { image: i, networks: { b: { aliases: [x] } } }\n';
    expect(Object.keys((await load({ 'ostler.yaml': text })).workers)).toEqual(['web', 'api']);
  });
});

describe('a network', () => {
  const top = (definition: string) => `networks: { a: ${definition}, b: { subnet: [10.9.0.0/24, "fd00:9::/64"] } }\nworkers: { web: { image: i } }\n`;
  it.each([
    ['external and more', '{ external: true, internal: true }', /external network is used as it is/],
    ['no range', '{ subnet: 10.7.0.1/24 }', /`10\.7\.0\.1\/24` is no range of addresses/],
    ['two ranges of one kind', '{ subnet: [10.7.0.0/24, 10.6.0.0/24] }', /a second range of IPv4/],
    ['a gateway elsewhere', '{ subnet: 10.7.0.0/24, gateway: 10.8.0.1 }', /10\.8\.0\.1 is not within 10\.7\.0\.0\/24/],
    ['a gateway of nothing', '{ gateway: 10.8.0.1 }', /needs a `subnet`/],
    ['a part elsewhere', '{ subnet: 10.7.0.0/24, ipRange: 10.7.1.0/25 }', /10\.7\.1\.0\/25 is not within/],
    ['IPv6 that is off', '{ subnet: "fd00:7::/64", ipv6: false }', /switched off/],
    ['a driver that is a mode', '{ driver: host }', /networkMode: host/],
    ['what another one has', '{ subnet: "fd00:9::/48" }', /overlaps with the one of networks\.a/],
    ['an unknown field', '{ subnets: 10.7.0.0/24 }', /subnets.*subnet/],
    ['no name', '{ name: "a b" }', /letters, digits/],
  ])('is refused: %s', async (_, definition, expected) => {
    expect(await faults(top(definition))).toEqual([expect.stringMatching(expected)]);
  });
  it('has a name of the engine that no other has', async () => {
    const text = 'networks: { a: { name: x, external: true }, b: { name: x } }\nworkers: { web: { image: i } }\n';
    expect(await faults(text)).toEqual([expect.stringMatching(/networks\.b and networks\.a are both `x`/)]);
  });
});

describe('a network that is shared', () => {
  const file = (workers: Readonly<Record<string, string>>) =>
    `workers:\n${Object.entries(workers)
      .map(([name, fields]) => `  ${name}: { ${fields} }\n`)
      .join('')}`;
  const vpn = 'image: i, runtime: docker';
  it.each<[string, Readonly<Record<string, string>>, RegExp]>([
    ['with nobody', { vpn, web: `${vpn}, networkMode: "worker:vnp"` }, /there is no worker `vnp` \| Did you mean `worker:vpn`\?/],
    [
      'with one that does not run here',
      { vpn: `${vpn}, enabled: false`, web: `${vpn}, networkMode: "worker:vpn"` },
      /vpn does not run here: it has `enabled: false`/,
    ],
    ['with itself', { web: `${vpn}, networkMode: "worker:web"` }, /cannot share its own network/],
    ['with a process', { vpn: 'command: c, runtime: native', web: `${vpn}, networkMode: "worker:vpn"` }, /vpn is no container/],
    ['in a circle', { a: `${vpn}, networkMode: "worker:b"`, b: `${vpn}, networkMode: "worker:a"` }, /`networkMode` goes in a circle: a -> b -> a/],
    [
      'in a circle with dependencies',
      { vpn: `${vpn}, dependsOn: { web: started }`, web: `${vpn}, networkMode: "worker:vpn"` },
      /`dependsOn` and `networkMode` go in a circle: vpn -> web -> vpn/,
    ],
    [
      'with one that shares',
      { vpn, a: `${vpn}, networkMode: "worker:vpn"`, b: `${vpn}, networkMode: "worker:a"` },
      /a has no network of its own: it shares that of vpn \| Write `worker:vpn`/,
    ],
    [
      'with one that it waits for to end',
      { vpn, web: `${vpn}, networkMode: "worker:vpn", dependsOn: { vpn: ended }` },
      /has to run for its network to be shared/,
    ],
  ])('is refused: %s', async (_, workers, expected) => {
    expect(await faults(file(workers))).toEqual([expect.stringMatching(expected)]);
  });
  it('is one by a block of the runtime’s class, too', async () => {
    const text = file({ vpn, web: `${vpn}, container: { networkMode: "worker:gone" }` });
    expect(await faults(text)).toEqual([expect.stringMatching(/^3:.*there is no worker `gone`/)]);
  });
});

describe('a volume', () => {
  it('stays with the definition of who mounts it, where anything is said of it', async () => {
    const text =
      'volumes: { data: { external: true, name: shop_data }, models: {} }\nworkers:\n  web: { image: i, mounts: [{ volume: data, to: /d }, { volume: models, to: /m }] }\n  api: { image: i, mounts: [{ volume: models, to: /m }] }\n';
    const { workers } = await load({ 'ostler.yaml': text });
    expect(Object.values(workers).map(({ written }) => (written as { volumeDefinitions?: unknown }).volumeDefinitions)).toEqual([
      { data: { external: true, name: 'shop_data' } },
      undefined,
    ]);
  });
  it('that is external is used as it is', async () => {
    expect(await faults('volumes: { data: { external: true, driver: local } }\nworkers: { web: { image: i } }\n')).toEqual([
      expect.stringMatching(/^1:44 volumes\.data\.driver: an external volume is used as it is/),
    ]);
  });
});

describe('the policy', () => {
  const workers = 'workers: { web: { image: i } }\n';
  it('is the one of the host file', async () => {
    const { policy } = await load({ 'ostler.yaml': `policy: { privileged: true, users: [app, 1000] }\n${workers}` });
    expect(policy).toEqual({ runtimes: null, users: ['app', '1000'], mountRoots: null, privileged: true, hostNamespaces: false, engineSocket: false });
  });
  it('does not count in a file that it extends, be it that it says more itself', async () => {
    const files = { 'base.yaml': 'policy: { privileged: true }\n' };
    expect(await faults(`extends: base.yaml\npolicy: { engineSocket: true }\n${workers}`, files)).toEqual([
      expect.stringMatching(/^1:11 `policy` counts only in the host file itself/),
    ]);
    expect(await faults(`extends: base.yaml\n${workers}`, files)).toEqual([expect.stringMatching(/^1:1 `policy` counts only in the host file itself/)]);
  });
  it('takes absolute folders and nothing else', async () => {
    expect(await faults(`policy: { mountRoots: [srv], engineSockets: true }\n${workers}`)).toEqual([
      expect.stringMatching(/absolute path/),
      expect.stringMatching(/engineSockets.*engineSocket/),
    ]);
  });
});
