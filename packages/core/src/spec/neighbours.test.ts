import type { WorkerSpec } from '@ostler/sdk';
import { workerSpec } from '@ostler/testkit';
import { describe, expect, test } from 'vitest';
import { addressBetween, betweenFindings, type Neighbour } from './neighbours.ts';

const port = (published: string | null) => [
  { name: 'http', port: 80, publish: published === null ? null : { address: published, port: 8080 }, protocol: 'tcp' as const },
];
const process = (name: string, published: string | null = '127.0.0.1'): Neighbour => ({
  runtime: 'native',
  class: 'process',
  spec: workerSpec({ name, ports: published === null ? [] : [{ ...port(published)[0]!, publish: { address: published, port: 80 } }] }),
});
const container = (name: string, more: WorkerSpec['more'] = {}, published: string | null = null, runtime = 'docker'): Neighbour => ({
  runtime,
  class: 'container',
  spec: workerSpec({ name, more, ports: port(published) }),
});
const on = (...networks: readonly string[]) => ({
  networks: Object.fromEntries(networks.map((name) => [name, { aliases: [], address: null, definition: null }])),
});
const host = (...all: readonly Neighbour[]) => {
  const byName = new Map(all.map((one) => [one.spec.name, one]));
  return (worker: string) => byName.get(worker);
};
const reached = '127.0.0.1:9';
const between = (from: Neighbour, to: Neighbour, ...others: readonly Neighbour[]) => addressBetween(from, to, reached, host(from, to, ...others));

describe('one worker reaches another', () => {
  const vpn = container('vpn');
  const sharing = { networkMode: 'worker:vpn' };
  test.each<[string, Neighbour, Neighbour, string | null]>([
    ['a process from a process: where the agent does', process('a'), process('b'), reached],
    ['a container from a process: where the agent does', process('a'), container('b'), reached],
    ['a container from one on the host’s network: where the agent does', container('a', { networkMode: 'host' }), container('b'), reached],
    ['a process from a container: by the host’s name', container('a'), process('b'), 'host.docker.internal:80'],
    ['a container on the host’s network from another: by the host’s name', container('a'), container('b', { networkMode: 'host' }), 'host.docker.internal:80'],
    ['a container from a container: by its name', container('a'), container('b'), 'b:80'],
    ['a container on one of its networks: by its name', container('a', on('x', 'y')), container('b', on('y')), 'b:80'],
    ['a container on another network: not at all', container('a', on('x')), container('b', on('y'), '127.0.0.1'), null],
    [
      'a container on another network that is published for all: by the host’s name',
      container('a', on('x')),
      container('b', on('y'), '0.0.0.0'),
      'host.docker.internal:8080',
    ],
    ['a container of another engine: not by its name', container('a'), container('b', {}, null, 'podman'), null],
    ['anybody from no network: not at all', container('a', { networkMode: 'none' }), process('b'), null],
    ['one on no network: not at all', container('a'), container('b', { networkMode: 'none' }), null],
    ['whose network it shares: as itself', container('a', sharing), vpn, '127.0.0.1:80'],
    ['who shares its network: as itself', vpn, container('b', sharing), '127.0.0.1:80'],
    ['one that shares the same network: as itself', container('a', sharing), container('b', sharing), '127.0.0.1:80'],
    ['one that shares a network: by the name of whose it is', container('a'), container('b', sharing), 'vpn:80'],
    ['others from a network that it shares: by their names', container('a', sharing), container('b'), 'b:80'],
    ['a process from a network that it shares: by the host’s name', container('a', sharing), process('b'), 'host.docker.internal:80'],
    ['one without ports: not at all', container('a'), process('b', null), null],
  ])('%s', (_, from, to, address) => {
    expect(between(from, to, vpn)).toBe(address);
  });

  test('whose network is shared is on the host’s: then so is who shares it', () => {
    const owner = container('vpn', { networkMode: 'host' });
    expect(between(container('a', sharing), process('b'), owner)).toBe(reached);
    expect(between(container('a'), container('b', sharing), owner)).toBe('host.docker.internal:80');
  });
});

describe('what is wrong between workers', () => {
  const said = (from: Neighbour, ...others: readonly Neighbour[]) => {
    const dependsOn = others.map(({ spec }) => ({ worker: spec.name, is: 'started', optional: false, restartWithIt: false, stopWithIt: false }));
    return betweenFindings(from, { dependsOn }, host(from, ...others)).map(({ level, field, text }) => `${level} ${field}: ${text}`);
  };
  test('a process that by its ports listens on 127.0.0.1 alone is not reached from a container, and it says where to listen', () => {
    expect(said(container('a'), process('b'))).toEqual([
      expect.stringMatching(/^unenforced dependsOn: .*host\.docker\.internal:80.*ports: \["0\.0\.0\.0:80:80"\]/),
    ]);
    expect(said(container('a'), process('b', '0.0.0.0'))).toEqual([]);
    expect(said(process('a'), process('b'))).toEqual([]);
    expect(said(container('a', { networkMode: 'host' }), process('b'))).toEqual([]);
  });
  test('a dependency on no common network is told', () => {
    expect(said(container('a', on('x')), container('b', on('y')))).toEqual([expect.stringContaining('no network has both')]);
    expect(said(container('a', on('x')), container('b', on('x')))).toEqual([]);
  });
  test('a network is shared within one engine', () => {
    const from = container('a', { networkMode: 'worker:b' });
    expect(said(from, container('b', {}, null, 'podman'))[0]).toMatch(/^refused networkMode: .*docker.*podman/);
    expect(said(from, process('b'))[0]).toMatch(/^refused networkMode: /);
    expect(said(from, container('b'))).toEqual([]);
  });
});
