import type { Json } from '@ostler/sdk';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { chooseRuntime, collide, nearest, normalise, parseDuration, parseSize, preferenceOf, type Registry, readWorker, sameWorker } from './index.ts';
import { absolute } from './path.ts';
import { parsePort, toPort } from './port.ts';

const registry: Registry = {
  runtimes: new Map([
    ['native', { class: 'process' as const, options: z.strictObject({ nice: z.int().default(0) }) }],
    ['docker', { class: 'container' as const, options: z.strictObject({ network: z.string().optional() }) }],
  ]),
};
const as = (runtime: string) => ({ name: 'web', runtime, baseDir: '/srv/host', registry });
const side = (written: Json, runtime = 'native') => ({ written, ...as(runtime) });

describe('durations and sizes', () => {
  it.each([
    ['10s', 10_000],
    ['500ms', 500],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['1m30s', 90_000],
    ['0.5s', 500],
    ['0s', 0],
  ])('%s is %i ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });
  it.each(['', '10', '10 s', 's', '-1s', '10sec', '1s1m', '1s1s', '1e3s', '١s', '1.s', '99999999999999d', `${'9'.repeat(60)}s`])(
    '%j is no duration',
    (text) => {
      expect(parseDuration(text)).toBeNull();
    },
  );
  it.each([
    ['512MiB', 536_870_912],
    ['4GiB', 4_294_967_296],
    ['10MB', 10_000_000],
    ['1.5KiB', 1536],
    ['1 B', 1],
  ])('%s is %i bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });
  it.each(['', '512', '512m', '512mb', '-1MiB', '1e3MiB', '9999999TiB'])('%j is no size', (text) => {
    expect(parseSize(text)).toBeNull();
  });
  it('adds up whatever is written in falling units', () => {
    fc.assert(
      fc.property(fc.nat(400), fc.nat(23), fc.nat(59), fc.nat(59), fc.nat(999), (d, h, m, s, ms) => {
        expect(parseDuration(`${d}d${h}h${m}m${s}s${ms}ms`)).toBe((((d * 24 + h) * 60 + m) * 60 + s) * 1000 + ms);
      }),
    );
  });
  it('never takes a text that it does not understand for a number', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const [ms, bytes] = [parseDuration(text), parseSize(text)];
        if (ms !== null) expect(text).toMatch(/^[\d.]+(ms|s|m|h|d)/);
        if (bytes !== null) expect(text).toMatch(/^[\d.]+ ?[kKMGT]?i?B$/);
      }),
    );
  });
});

describe('ports', () => {
  it.each([
    ['8501:8501', { address: '127.0.0.1', port: 8501 }, 8501, 'tcp'],
    ['80:8080/udp', { address: '127.0.0.1', port: 80 }, 8080, 'udp'],
    ['0.0.0.0:80:8080', { address: '0.0.0.0', port: 80 }, 8080, 'tcp'],
    ['[::1]:80:8080', { address: '::1', port: 80 }, 8080, 'tcp'],
    ['8080', null, 8080, 'tcp'],
  ])('%s', (text, publish, port, protocol) => {
    expect(parsePort(text)).toEqual({ name: null, port, publish, protocol });
  });
  it.each(['', ':', '80:', ':80', '1-2:1-2', '80-90', 'a:80', '1.2.3:80:80', '300.1.1.1:80:80', '80:80:80:80', '080', '80/TCP', '[::1]:80'])(
    '%j is refused with a sentence',
    (text) => {
      expect(parsePort(text)).toBeTypeOf('string');
    },
  );
  it('of a process are taken on the host though not published', () => {
    const rule = { name: null, port: 80, publish: null, protocol: 'tcp' } as const;
    expect(toPort(rule, true).publish).toEqual({ address: '127.0.0.1', port: 80 });
    expect(toPort(rule, false).publish).toBeNull();
  });
  it('collide on one address, or where one of them has all addresses; never over protocols', () => {
    const port = (address: string, protocol: 'tcp' | 'udp' = 'tcp') => ({ name: 'a', port: 1, publish: { address, port: 80 }, protocol });
    expect(collide(port('127.0.0.1'), port('127.0.0.1'))).toBe(true);
    expect(collide(port('127.0.0.1'), port('0.0.0.0'))).toBe(true);
    expect(collide(port('127.0.0.1'), port('10.0.0.1'))).toBe(false);
    expect(collide(port('127.0.0.1'), port('127.0.0.1', 'udp'))).toBe(false);
  });
});

describe('a worker in its normal form', () => {
  it('has the runtime block over the class block over its own fields', () => {
    const written = {
      image: 'a',
      command: 'own',
      env: { A: 'own', B: 'own', C: 'own' },
      process: { command: 'class', env: { B: 'class', C: 'class' } },
      native: { env: { C: 'runtime' }, nice: 5 },
      docker: { network: 'x' },
    };
    const native = normalise(written, as('native'));
    expect(native.spec.command).toEqual(['class']);
    expect(native.spec.env).toEqual({ A: 'own', B: 'class', C: 'runtime' });
    expect(native.spec.options).toEqual({ nice: 5 });
    const docker = normalise(written, as('docker'));
    expect(docker.spec.command).toEqual(['own']);
    expect(docker.spec.options).toEqual({ network: 'x' });
  });

  it('lets `shell` of a block replace `command`, and the other way round', () => {
    expect(normalise({ command: 'own', process: { shell: 'echo $A' } }, as('native')).spec.command).toEqual(['/bin/sh', '-c', 'echo $A']);
    expect(normalise({ shell: 'own', native: { command: 'a b' } }, as('native')).spec.command).toEqual(['a', 'b']);
  });

  it('splits a command text as a shell would, without running one', () => {
    expect(normalise({ command: `node -e 'a "b"' "c d" e\\ f $X` }, as('native')).spec.command).toEqual(['node', '-e', 'a "b"', 'c d', 'e f', '$X']);
  });

  it("hands fields that only a driver can judge on as `more`, and keeps core's own back", () => {
    const { spec } = normalise(
      {
        image: 'a',
        hostname: 'h',
        devices: ['/dev/x'],
        capabilities: { add: ['NET_ADMIN'] },
        container: { platform: 'linux/arm64' },
        priority: 3,
        dependsOn: { a: 'healthy' },
      },
      as('docker'),
    );
    expect(spec.more).toEqual({ hostname: 'h', devices: ['/dev/x'], capabilities: { add: ['NET_ADMIN'] }, container: { platform: 'linux/arm64' } });
  });

  it('has absolute paths, units in ms and bytes, and its defaults', () => {
    const { spec, rules } = normalise(
      {
        command: 'a',
        workingDir: '../x',
        mounts: [{ from: './data', name: 'DATA' }],
        limits: { memory: '1KiB' },
        stop: { grace: '3s' },
        health: { http: '/ok' },
        ports: [80],
      },
      as('native'),
    );
    expect(spec.workingDir).toBe('/srv/x');
    expect(spec.mounts).toEqual([{ from: { path: '/srv/host/data' }, to: '/srv/host/data', readOnly: false, name: 'DATA' }]);
    expect(spec.limits.memoryBytes).toBe(1024);
    expect(spec.stop).toEqual({ signal: 'SIGTERM', graceMs: 3000 });
    expect(spec.noNewPrivileges).toBe(true);
    expect(rules.health.probes).toEqual([{ kind: 'http', options: { path: '/ok', scheme: 'http', status: [[200, 399]], headers: {}, port: 80 } }]);
    expect(rules.restart).toEqual({
      policy: 'always',
      backoff: { firstMs: 0, minMs: 1000, maxMs: 60_000, factor: 2, jitter: 0.2 },
      resetAfterMs: 600_000,
      giveUp: null,
      successCodes: [0],
      memoryAboveBytes: null,
      maxAgeMs: null,
      at: null,
    });
  });

  it('reads when a service is to be started anew', () => {
    const { rules } = normalise({ command: 'a', restart: { memoryAbove: '64MiB', maxAge: '1d', at: '0 3 * * *' } }, as('native'));
    expect(rules.restart).toMatchObject({ policy: 'always', memoryAboveBytes: 2 ** 26, maxAgeMs: 86_400_000, at: { cron: '0 3 * * *', timezone: null } });
  });

  it.each([
    [{}, null, []],
    [{ notify: false }, null, []],
    [{ notify: true }, { watchdogMs: null }, [{ kind: 'notify', options: {} }]],
    [{ notify: {} }, { watchdogMs: null }, [{ kind: 'notify', options: {} }]],
    [{ notify: { watchdog: '10s' } }, { watchdogMs: 10_000 }, [{ kind: 'notify', options: { watchdog: 10_000 } }]],
  ])('of health %j tells the runtime whether the worker tells of itself, and how often', (health, notify, probes) => {
    const { spec, rules } = normalise({ command: 'a', health }, as('native'));
    expect(spec.notify).toEqual(notify);
    expect(rules.health.probes).toEqual(probes);
  });

  it.each([
    [{ grpc: 50_051 }, [{ kind: 'grpc', options: { port: 50_051 } }]],
    [{ grpc: true }, [{ kind: 'grpc', options: { port: 80 } }]],
    [{ grpc: { service: 'a', tls: true } }, [{ kind: 'grpc', options: { service: 'a', tls: true, port: 80 } }]],
    [{ grpc: false, tcp: false, notify: false }, []],
    [{ log: '^ready' }, [{ kind: 'log', options: { pattern: '^ready' } }]],
    [{ log: { pattern: 'a', stream: 'stderr' } }, [{ kind: 'log', options: { pattern: 'a', stream: 'stderr' } }]],
    [{ file: '../beat' }, [{ kind: 'file', options: { path: '/srv/beat' } }]],
    [{ file: { path: '/run/beat', maxAge: '1m' } }, [{ kind: 'file', options: { path: '/run/beat', maxAge: 60_000 } }]],
  ])('of health %j has the probes with their ports, units and absolute paths', (health, probes) => {
    expect(normalise({ command: 'a', ports: [80], health } as Json, as('native')).rules.health.probes).toEqual(probes);
  });

  it.each([
    [{ notify: true }, 100],
    [{ notify: true, interval: '50ms' }, 50],
    [{ notify: true, startInterval: '2s' }, 2000],
    [{ notify: true, exec: 'true' }, 1000],
    [{ exec: 'true' }, 1000],
  ])('of health %j asks every %i ms while it starts: what it said of itself can be asked for often', (health, startIntervalMs) => {
    expect(normalise({ command: 'a', health }, as('native')).rules.health.startIntervalMs).toBe(startIntervalMs);
  });

  it.each([
    [{ command: 'a' }, 'service', 'always', null],
    [{ command: 'a', kind: 'job' }, 'job', 'on-failure', 3],
    [{ command: 'a', schedule: '0 3 * * *' }, 'cron', 'on-failure', 3],
    [{ command: 'a', restart: 'unless-stopped' }, 'service', 'always', null],
    [{ command: 'a', restart: { giveUp: 5 } }, 'service', 'always', 5],
    [{ command: 'a', kind: 'job', restart: { giveUp: false } }, 'job', 'on-failure', null],
  ])('%j is a %s with policy %s', (written, kind, policy, giveUp) => {
    const { rules } = normalise(written, as('native'));
    expect([rules.kind, rules.restart.policy, rules.restart.giveUp]).toEqual([kind, policy, giveUp]);
  });

  it('is never a throw for what the store may hold', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        expect(readWorker(a as Json, as('native'))).toHaveProperty('ok');
        expect(Array.isArray(sameWorker(side(a as Json), side(b as Json)))).toBe(true);
        expect(sameWorker(side(a as Json), side(a as Json))).toEqual([]);
      }),
    );
  });
});

describe('two versions of a worker', () => {
  it('are the same when only the way of writing differs', () => {
    expect(
      sameWorker(
        side({ command: 'a b', stop: { grace: '60s' }, ports: [80] }),
        side({ command: ['a', 'b'], process: { stop: { grace: '1m' } }, ports: ['80'] }),
      ),
    ).toEqual([]);
  });
  it('are the same when only a schema gained a default or the description changed', () => {
    expect(sameWorker(side({ command: 'a', native: {} }), side({ command: 'a', description: 'x', native: { nice: 0 } }))).toEqual([]);
  });
  it('differ by the smallest fields, as they were written', () => {
    expect(
      sameWorker(side({ command: 'a', limits: { memory: '2GiB', pids: 3 } }), side({ command: 'a', limits: { memory: '4GiB', pids: 3 }, native: { nice: 5 } })),
    ).toEqual([
      { field: 'limits.memory', before: '2GiB', after: '4GiB' },
      { field: 'native.nice', before: '0', after: '5' },
    ]);
  });
  it('do not show what looks like a secret', () => {
    const changes = sameWorker(
      side({ command: 'a', env: { DB_PASSWORD: 'canary1', URL: 'pg://u:canary1@h/x' } }),
      side({ command: 'a', env: { DB_PASSWORD: 'canary2', URL: 'pg://u:canary2@h/x' } }),
    );
    expect(changes).toEqual([
      { field: 'env.DB_PASSWORD', before: '***', after: '***' },
      { field: 'env.URL', before: 'pg://u:***@h/x', after: 'pg://u:***@h/x' },
    ]);
  });
  it('do not show what looks like a secret however deep it stands, in maps and in lists', () => {
    const told = (before: Record<string, Json>, after: Record<string, Json>) => {
      const changes = sameWorker(side({ image: 'x', ...before }, 'docker'), side({ image: 'x', ...after }, 'docker'));
      expect(JSON.stringify(changes)).not.toContain('canary');
      return Object.fromEntries(changes.map(({ field, before, after }) => [field, [before, after]]));
    };
    const chain = (token: string): Json => [{ name: 'base', reference: null, build: { context: 'w', args: { NPM_TOKEN: token, NODE: '26' } } }];
    const chainText = '[{"name":"base","reference":null,"build":{"context":"w","args":{"NPM_TOKEN":"***","NODE":"26"}}}]';
    expect(told({ imageChain: chain('canary1') }, { imageChain: chain('canary2') })).toEqual({ images: [chainText, chainText] });
    expect(told({}, { health: { http: { port: 1, path: '/', headers: { Authorization: 'Bearer canary', Accept: '*' } } } })).toEqual({
      'health.http': [null, '{"port":1,"path":"/","headers":{"Authorization":"***","Accept":"*"}}'],
    });
    expect(told({}, { build: { context: 'w', args: { NPM_TOKEN: 'canary', NODE: '26' } } })).toMatchObject({
      'build.args': [null, '{"NPM_TOKEN":"***","NODE":"26"}'],
    });
    expect(told({ docker: { mirrors: [{ url: 'a', token: 'canary1' }] } }, { docker: { mirrors: [{ url: 'b', token: 'canary2' }] } })).toEqual({
      'docker.mirrors': ['[{"url":"a","token":"***"}]', '[{"url":"b","token":"***"}]'],
    });
    expect(told({}, { env: ['NPM_TOKEN=canary', 'NODE=26'] })).toEqual({ env: [null, '["NPM_TOKEN=***","NODE=26"]'] });
    expect(told({}, { hooks: { afterStart: ['login', '--password=canary'] } })).toEqual({ 'hooks.afterStart': [null, '["login","--password=***"]'] });
  });
  it('show where a secret is found, which says nothing of its value', () => {
    expect(sameWorker(side({ command: 'a' }), side({ command: 'a', secrets: { env: { API_TOKEN: 'file:/t' } } }))).toEqual([
      { field: 'secrets.env', before: null, after: '{"API_TOKEN":"file:/t"}' },
    ]);
  });
  it('are compared as written when the old one no longer fits the schema', () => {
    expect(sameWorker(side({ command: 'a', retired: 1 }), side({ command: 'a' }))).toEqual([{ field: 'retired', before: '1', after: null }]);
    expect(sameWorker(side({ command: 'a', retired: 1 }), side({ command: 'a', retired: 1 }))).toEqual([]);
  });
  it('differ when relative paths stand in another folder, and when the runtime or the kind does', () => {
    expect(
      sameWorker({ ...side({ command: 'a', workingDir: 'x' }), baseDir: '/other' }, side({ command: 'a', workingDir: 'x' })).map(({ field }) => field),
    ).toEqual(['baseDir']);
    expect(sameWorker({ ...side({ command: 'a' }), baseDir: '/other' }, side({ command: 'a' }))).toEqual([]);
    const beats = side({ command: 'a', health: { file: 'beat' } });
    expect(sameWorker({ ...beats, baseDir: '/other' }, beats).map(({ field }) => field)).toEqual(['baseDir']);
    expect(sameWorker(side({ image: 'i', command: 'a' }, 'docker'), side({ image: 'i', command: 'a' })).map(({ field }) => field)).toContain('runtime');
    expect(sameWorker(side({ command: 'a', kind: 'job' }), side({ command: 'a' })).map(({ field }) => field)).toEqual(['kind']);
  });
});

describe('the runtime of a worker', () => {
  it.each([
    [['metal', 'docker'], ['docker', 'native'], null, 'docker'],
    [['metal', 'docker'], ['docker', 'metal'], null, 'metal'],
    [['metal', 'docker'], ['docker', 'metal'], 'docker', 'docker'],
    [['metal', 'docker'], ['metal'], 'docker', 'metal'],
    [['metal'], ['docker', 'metal'], 'docker', 'metal'],
    [['metal'], ['docker'], null, null],
  ])('of %j with %j, having %s, is %s', (preference, available, current, expected) => {
    expect(chooseRuntime(preference, available, current)).toBe(expected);
  });
  it('has its image where that is one of containers; on another of its list it has none, so that one file serves both', () => {
    const written = { runtime: ['native', 'docker'], image: 'a:1', command: 'a' };
    const on = (runtime: string) => normalise(written, { name: 'w', runtime, baseDir: '/', registry }).spec.images;
    expect([on('native'), on('docker').length]).toEqual([[], 1]);
    expect(normalise({ ...written, runtime: 'native' }, { name: 'w', runtime: 'native', baseDir: '/', registry }).spec.images).toHaveLength(1);
  });
  it('is native unless it names one or has an image', () => {
    expect(preferenceOf({ command: 'a' }, registry)).toEqual(['native']);
    expect(preferenceOf({ image: 'a' }, registry)).toEqual(['docker']);
    expect(preferenceOf({ image: 'a', runtime: ['x', 'y'] }, registry)).toEqual(['x', 'y']);
  });
});

describe('small tools', () => {
  it('make paths absolute without looking at the disk', () => {
    expect(absolute('/a/b', '../c/./d//e')).toBe('/a/c/d/e');
    expect(absolute('/a', '/x/../y')).toBe('/y');
    expect(absolute('/', '../../z')).toBe('/z');
  });
  it('name the near word and keep quiet when none is near', () => {
    expect(nearest('depends_on', ['dependsOn', 'devices'])).toBe('dependsOn');
    expect(nearest('restrat', ['restart', 'reload'])).toBe('restart');
    expect(nearest('zzzzzz', ['restart', 'reload'])).toBeNull();
  });
});
