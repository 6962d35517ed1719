import type { WorkerSpec } from '@ostler/sdk';
import { workerSpec } from '@ostler/testkit';
import { describe, expect, test } from 'vitest';
import { forbidden, noPolicy, type Policy } from './policy.ts';

const links: Readonly<Record<string, string>> = { '/var/run': '/run', '/srv/link': '/run', '/srv/socket': '/tmp/engine.sock', '/data': '/srv/data' };
const host = {
  realPath: (path: string) => {
    const [from, to] = Object.entries(links).find(([link]) => path === link || path.startsWith(`${link}/`)) ?? ['', ''];
    return to + path.slice(from.length);
  },
  sockets: ['/tmp/engine.sock'],
  user: ['root', '0'],
};
const found = (policy: Partial<Policy>, spec: Partial<WorkerSpec>, runtimeClass: 'container' | 'process' = 'container') =>
  forbidden({ ...noPolicy, ...policy }, { runtime: runtimeClass === 'container' ? 'docker' : 'native', class: runtimeClass, spec: workerSpec(spec) }, host);
const fields = (...given: Parameters<typeof found>) => found(...given).map(({ level, field }) => `${level} ${field}`);
const mount = (path: string) => ({ mounts: [{ from: { path }, to: '/in', readOnly: true, name: null }] });

describe('a host file without a policy', () => {
  test('lets a plain worker have all that is its own', () => {
    expect(
      found({}, { user: 'app', more: { networkMode: 'none', privileged: false, container: { ipc: 'private', pid: 'x' } }, ...mount('/srv/data') }),
    ).toEqual([]);
  });
  test.each<[string, Partial<WorkerSpec>, string, string]>([
    ['privileged', { more: { privileged: true } }, 'privileged', 'privileged: true'],
    ['the host’s network', { more: { networkMode: 'host' } }, 'networkMode', 'hostNamespaces: true'],
    ['the host’s processes', { more: { container: { pid: 'host' } } }, 'container.pid', 'hostNamespaces: true'],
    ['the host’s ipc', { more: { container: { ipc: 'host' } } }, 'container.ipc', 'hostNamespaces: true'],
    ['the host’s users', { more: { container: { userns: 'host' } } }, 'container.userns', 'hostNamespaces: true'],
    ['the whole host', mount('/'), 'mounts', 'mountRoots: ["/"], engineSocket: true'],
    ['an engine’s socket', mount('/run/docker.sock'), 'mounts', 'engineSocket: true'],
    ['an engine’s socket by a link', mount('/var/run/docker.sock'), 'mounts', 'engineSocket: true'],
    ['the folder of an engine’s socket', mount('/run'), 'mounts', 'engineSocket: true'],
    ['the folder of an engine’s socket by a link', mount('/srv/link'), 'mounts', 'engineSocket: true'],
    ['the folder of Podman’s socket', mount('/run/podman'), 'mounts', 'engineSocket: true'],
    ['the socket of an engine elsewhere', mount('/srv/socket'), 'mounts', 'engineSocket: true'],
    ['the folder of an engine’s socket elsewhere', mount('/tmp'), 'mounts', 'engineSocket: true'],
    ['a socket that is called as an engine’s', mount('/x/podman.sock'), 'mounts', 'engineSocket: true'],
  ])('does not let a container have %s, and says the line that would', (_, spec, field, line) => {
    expect(found({}, spec)).toEqual([expect.objectContaining({ level: 'refused', field, text: expect.stringContaining(`policy: { ${line} }`) })]);
  });
  test('says nothing of what a process sees of the host anyway', () => {
    expect(found({}, mount('/run'), 'process')).toEqual([]);
  });
});

describe('a policy', () => {
  test('lets workers have what it says', () => {
    const all = { privileged: true, networkMode: 'host', container: { pid: 'host', ipc: 'host', userns: 'host' } };
    expect(found({ privileged: true, hostNamespaces: true }, { more: all })).toEqual([]);
    expect(found({ engineSocket: true }, mount('/var/run/docker.sock'))).toEqual([]);
    expect(found({ engineSocket: true, mountRoots: ['/'] }, mount('/'))).toEqual([]);
  });
  test('of the whole host needs both that it is a root and that it holds the engine', () => {
    expect(fields({ mountRoots: ['/'] }, mount('/'))).toEqual(['refused mounts']);
    expect(fields({ engineSocket: true }, mount('/'))).toEqual(['refused mounts']);
  });
  test('holds mounts to its folders, wherever links lead', () => {
    const policy = { mountRoots: ['/srv/data', '/home'] };
    expect(fields(policy, mount('/srv/data/x'))).toEqual([]);
    expect(fields(policy, mount('/data/x'))).toEqual([]);
    expect(fields(policy, mount('/srv/database'))).toEqual(['refused mounts']);
    expect(fields({ mountRoots: ['/srv'] }, mount('/srv/link'))).toEqual(['refused mounts']);
    expect(fields(policy, mount('/etc'), 'process')).toEqual(['refused mounts']);
    const definition = { external: false, name: null, driver: null, driverOpts: { type: 'none', o: 'bind', device: '/etc' }, labels: {} };
    expect(fields(policy, { mounts: [{ from: { volume: 'v', definition }, to: '/v', readOnly: false, name: null }] })).toEqual(['refused mounts']);
    expect(fields(policy, { mounts: [{ from: { volume: 'v' }, to: '/v', readOnly: false, name: null }] })).toEqual([]);
  });
  test('holds workers to its runtimes', () => {
    expect(fields({ runtimes: ['native'] }, {})).toEqual(['refused runtime']);
    expect(fields({ runtimes: ['docker'] }, {})).toEqual([]);
  });
  test('holds workers to its users, the agent’s own and the image’s too', () => {
    expect(fields({ users: ['app'] }, { user: 'app:staff' })).toEqual([]);
    expect(fields({ users: ['app'] }, { user: 'root' })).toEqual(['refused user']);
    expect(fields({ users: ['app'] }, {})).toEqual(['refused user']);
    expect(fields({ users: ['root'] }, {})).toEqual(['refused user']);
    expect(fields({ users: ['root'] }, {}, 'process')).toEqual([]);
    expect(fields({ users: ['app'] }, {}, 'process')).toEqual(['refused user']);
  });
});
