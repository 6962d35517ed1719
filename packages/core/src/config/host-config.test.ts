import { execFileSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explain } from './explain.ts';
import { folderWith, load, problemOf, registry, told } from './fixtures/host-file.ts';
import { hostFileJsonSchema, loadHostFile } from './index.ts';
import { mergeNodes } from './merge.ts';
import { list, map, type Node, scalar, toJson } from './node.ts';
import { refuseUntrusted } from './read.ts';

const written = async (...args: Parameters<typeof load>) =>
  Object.fromEntries(Object.entries((await load(...args)).workers).map(([name, worker]) => [name, worker.written]));

describe('the same host', () => {
  const json = { ostler: 1, host: 'mini', workers: { web: { command: ['a', 'b'], ports: [80], env: { A: 'x' } } } };
  const forms: Readonly<Record<string, string>> = {
    'ostler.yaml': 'ostler: 1\nhost: mini\nworkers:\n  web: { command: [a, b], ports: [80], env: { A: x } }\n',
    'ostler.json': JSON.stringify(json),
    'ostler.toml': 'ostler = 1\nhost = "mini"\n[workers.web]\ncommand = ["a", "b"]\nports = [80]\nenv = { A = "x" }\n',
    'ostler.mjs': `export default async () => (${JSON.stringify(json)});\n`,
    'ostler.cjs': `module.exports = ${JSON.stringify(json)};\n`,
  };
  it.each(Object.entries(forms))('reads alike from %s', async (file, text) => {
    const config = await load({ [file]: text });
    expect(config.host).toBe('mini');
    expect(config.workers['web']?.written).toEqual(json.workers.web);
  });

  it('reads alike with a byte order mark and with CRLF', async () => {
    expect(await written({ 'ostler.yaml': `\uFEFF${forms['ostler.yaml']!.replaceAll('\n', '\r\n')}` })).toEqual(json.workers);
  });
});

describe.runIf(process.platform === 'linux')('a file that opens and cannot be read', () => {
  it('is one problem at the place that names it', async () => {
    const text = 'workers:\n  web:\n    command: c\n    envFile: /proc/self/mem\n';
    expect(told(await problemOf(load({ 'ostler.yaml': text })))).toEqual(['4:14 /proc/self/mem cannot be read (EIO)']);
  });
});

describe('a schedule that would run a worker twice at once', () => {
  it('is refused, for one instance of a worker runs at a time', async () => {
    const text = 'workers:\n  web:\n    command: c\n    schedule: { cron: "0 3 * * *", overlap: allow }\n';
    expect(told(await problemOf(load({ 'ostler.yaml': text })))[0]).toMatch(/^4:45 workers\.web\.schedule\.overlap: `allow` is not supported/);
  });
});

describe('a probe of a port that the worker does not declare', () => {
  const warned = async (fields: string): Promise<readonly string[]> => {
    const { warnings } = await load({ 'ostler.yaml': `workers:\n  web:\n    command: c\n    image: i\n    ${fields.replaceAll('\n', '\n    ')}\n` });
    return warnings.map((text) => text.replace(/\(.*ostler\.yaml/, '(ostler.yaml'));
  };

  it('is warned about, with its place', async () => {
    expect(await warned('ports: [8080, 9090]\nhealth: { http: { path: /, port: 8081 }, grpc: 9090, tcp: 1 }')).toEqual([
      'workers.web.health.http asks port 8081, which the worker does not declare: it declares 8080, 9090 (ostler.yaml:6:38)',
      'workers.web.health.tcp asks port 1, which the worker does not declare: it declares 8080, 9090 (ostler.yaml:6:63)',
    ]);
    expect(await warned('ports: [8080]\ndocker: { health: { tcp: 1 } }')).toEqual([
      'workers.web.health.tcp asks port 1, which the worker does not declare: it declares 8080 (ostler.yaml:6:30)',
    ]);
  });

  it('is told of the port that others see: a probe names the one within', async () => {
    expect(await warned('ports: ["8080:80"]\nhealth: { tcp: 8080 }')).toEqual([
      "workers.web.health.tcp asks port 8080, which the worker does not declare: 8080 is where its port 80 is published, and a probe names the worker's own (ostler.yaml:6:20)",
    ]);
  });

  it('is no matter where the worker declares none, where it is declared, and where somebody else is asked', async () => {
    expect(await warned('health: { tcp: 5432 }')).toEqual([]);
    expect(await warned('ports: [80]\nhealth: { tcp: true, http: /, exec: "true", notify: false }')).toEqual([]);
    expect(await warned('ports: [80]\nhealth: { tcp: { port: 81, host: 10.0.0.1 } }')).toEqual([]);
  });
});

describe('extends', () => {
  it('merges maps, replaces scalars and lists, the later over the earlier, the file itself last', async () => {
    const files = {
      'ostler.yaml': 'extends: [a.yaml, b.json]\nworkers: { web: { env: { C: own } } }\n',
      'a.yaml': 'workers: { web: { command: [a, a, a], env: { A: a, B: a, C: a } } }\n',
      'b.json': '{ "workers": { "web": { "command": ["b"], "env": { "B": "b", "C": "b" } } } }',
    };
    expect(await written(files)).toEqual({ web: { command: ['b'], env: { A: 'a', B: 'b', C: 'own' } } });
  });

  it('takes a worker out by `enabled: false`', async () => {
    const config = await load({
      'ostler.yaml': 'extends: a.yaml\nworkers: { web: { enabled: false } }\n',
      'a.yaml': 'workers: { web: { command: a }, db: { command: b } }\n',
    });
    expect(Object.keys(config.workers)).toEqual(['db']);
    expect(config.left).toEqual({ web: 'it has `enabled: false`' });
  });

  it('keeps paths relative to the file in which they stand', async () => {
    const config = await written({
      'hosts/mini.yaml': 'extends: ../base/b.yaml\nworkers: { own: { command: c, workingDir: ./own } }\n',
      'base/b.yaml': 'workers: { web: { command: c, workingDir: ./web, mounts: [{ from: data }, { from: /abs }] } }\n',
    });
    expect(config).toEqual({
      own: { command: 'c', workingDir: './own' },
      web: { command: 'c', workingDir: '../base/web', mounts: [{ from: '../base/data' }, { from: '/abs' }] },
    });
  });

  it('names the whole circle', async () => {
    const problem = await problemOf(load({ 'a.yaml': 'extends: b.yaml\n', 'b.yaml': 'host: x\nextends: [c.yaml]\n', 'c.yaml': 'extends: a.yaml\n' }));
    expect(told(problem)).toEqual(['1:10 `extends` goes in a circle: a.yaml -> b.yaml -> c.yaml -> a.yaml | Remove one of them.']);
    expect(problem.place?.file).toMatch(/c\.yaml$/);
  });

  it('gathers the plugins of all files, each against its own folder', async () => {
    const config = await load({
      'ostler.yaml': 'extends: base/a.yaml\nplugins: ["@x/y", { use: "@x/z", config: { a: 2 } }]\n',
      'base/a.yaml': 'plugins: [./rt.ts, { use: "@x/z", config: { a: 1 } }]\n',
    });
    expect(config.plugins.map(({ use, config: own }) => [use.replace(/^.*\/ostler-config-\w+/, ''), own])).toEqual([
      ['/base/rt.ts', {}],
      ['@x/y', {}],
      ['@x/z', { a: 2 }],
    ]);
  });

  const leaf = fc.oneof(fc.integer(), fc.string(), fc.boolean(), fc.constant(null));
  const value = fc.letrec((tie) => ({
    any: fc.oneof({ depthSize: 'small' }, leaf, fc.array(leaf, { maxLength: 3 }), tie('map')),
    map: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('any'), { maxKeys: 3 }),
  }));
  const at = { file: 'f', line: 1, column: 1 };
  const toNode = (json: unknown): Node =>
    Array.isArray(json)
      ? list(json.map(toNode), at)
      : typeof json === 'object' && json !== null
        ? map(new Map(Object.entries(json).map(([key, part]) => [key, { at, value: toNode(part) }])), at)
        : scalar(json as string, at);

  it('changes nothing when a file is merged with itself, with nothing, or twice', () => {
    fc.assert(
      fc.property(value.map, value.map, value.map, (a, b, c) => {
        const [x, y, z] = [toNode(a), toNode(b), toNode(c)];
        expect(toJson(mergeNodes(x, x))).toEqual(toJson(x));
        expect(toJson(mergeNodes(mergeNodes(x, y), y))).toEqual(toJson(mergeNodes(x, y)));
        expect(toJson(mergeNodes(map(new Map(), at), z))).toEqual(toJson(z));
      }),
    );
  });
});

describe('variables', () => {
  it('come from vars, files of variables and, if the file says so, the environment; nothing else', async () => {
    const config = await load(
      {
        'ostler.yaml':
          'varsFiles: [.env]\nvars: { A: own, P: 80, D: { env: DIR, default: /srv }, N: "${A}/n" }\nworkers:\n  web:\n    command: c\n    ports: [{ port: "${P}" }]\n    env:\n      A: ${A}\n      B: ${B}\n      C: "x${NO:-${A}}$$y"\n      D: ${D}\n      N: ${N}\n      E: ${EMPTY:-used}\n',
        '.env': 'A=file\nB="a $b"\nEMPTY=\n',
      },
      'ostler.yaml',
      { env: { A: 'env', DIR: '/data' } },
    );
    expect(config.workers['web']?.written).toEqual({
      command: 'c',
      ports: [{ port: 80 }],
      env: { A: 'own', B: 'a $b', C: 'xown$y', D: '/data', N: 'own/n', E: 'used' },
    });
    expect(config.files.map((file) => file.replace(/^.*\//, ''))).toEqual(['ostler.yaml', '.env']);
  });

  it('may be facts, asked for only by the workers that use them', async () => {
    const asked: string[] = [];
    const facts = async (fact: string) => {
      asked.push(fact);
      return '100.64.0.1';
    };
    const text = 'vars: { IP: { fact: tailscale.ip }, UNUSED: { fact: other.x } }\nworkers: { web: { command: c, env: { IP: "${IP}" } } }\n';
    expect(await written({ 'ostler.yaml': text }, 'ostler.yaml', { facts })).toEqual({ web: { command: 'c', env: { IP: '100.64.0.1' } } });
    expect(asked).toEqual(['tailscale.ip']);
  });

  it('from the environment are not shown by explain', async () => {
    const config = await load({ 'ostler.yaml': 'vars: { T: { env: TOKEN } }\nworkers: { web: { command: c, env: { T: "a-${T}", U: b } } }\n' }, 'ostler.yaml', {
      env: { TOKEN: 'canary' },
    });
    const origins = explain(config.root);
    expect(JSON.stringify(origins)).not.toContain('canary');
    expect(origins.find(({ field }) => field === 'workers.web.env.T')?.value).toBe('<from environment TOKEN>');
    expect(origins.find(({ field }) => field === 'workers.web.env.U')).toMatchObject({ value: 'b', place: { line: 2, column: 54 } });
  });
});

describe('workers', () => {
  it('get the defaults of their kind under their own fields', async () => {
    const text =
      'defaults: { service: { stop: { grace: 3s, signal: INT } }, cron: { stop: { grace: 9s } } }\nworkers:\n  a: { command: c, stop: { grace: 5s } }\n  b: { command: c, schedule: "0 3 * * *" }\n  c: { command: c, kind: job }\n';
    expect(await written({ 'ostler.yaml': text })).toEqual({
      a: { command: 'c', stop: { grace: '5s', signal: 'INT' } },
      b: { command: 'c', schedule: '0 3 * * *', stop: { grace: '9s' } },
      c: { command: 'c', kind: 'job' },
    });
  });

  it('of a profile run only when it is chosen', async () => {
    const files = { 'ostler.yaml': 'workers: { a: { command: c }, b: { command: c, profiles: [debug] } }\n' };
    expect(Object.keys((await load(files)).workers)).toEqual(['a']);
    expect(Object.keys((await load(files, 'ostler.yaml', { profiles: ['debug'] })).workers)).toEqual(['a', 'b']);
    expect(told(await problemOf(load(files, 'ostler.yaml', { profiles: ['debgu'] })))).toEqual([
      '1:1 no worker has the profile `debgu` | Did you mean `debug`?',
    ]);
  });

  it('take env files into env, which wins; a change in the file is a change of the worker', async () => {
    expect(await written({ 'ostler.yaml': 'workers: { a: { command: c, envFile: x.env, env: { B: own } } }\n', 'x.env': 'A=$1\nB=file\n' })).toEqual({
      a: { command: 'c', env: { A: '$1', B: 'own' } },
    });
  });

  it('may hold notes and anchors under x- keys, but not lose a header of that name', async () => {
    const text =
      'x-env: &env { A: b }\nworkers:\n  x-later: { nonsense: 1 }\n  a: { x-note: hi, command: c, env: { <<: *env, x-a: c }, health: { http: { port: 1, headers: { x-id: y } } } }\n';
    expect(await written({ 'ostler.yaml': text })).toEqual({
      a: { command: 'c', env: { A: 'b', 'x-a': 'c' }, health: { http: { port: 1, headers: { 'x-id': 'y' } } } },
    });
  });

  it('tell all that is wrong in one go, in the order of the file', async () => {
    const text = 'workers:\n  web:\n    comand: c\n    stop: { grace: 10 }\n  db: { command: c, dependsOn: { wbe: healthy } }\n';
    expect(told(await problemOf(load({ 'ostler.yaml': text })))).toEqual([
      '3:5 unknown field `comand` in workers.web | Did you mean `command`?',
      '4:20 workers.web.stop.grace: expected a duration with its unit, such as `500ms`, `10s`, `5m`, `2h` or `1d`; found `10`',
      '5:34 workers.db.dependsOn: there is no worker `wbe` | Did you mean `web`?',
    ]);
  });

  it('never show the value of an environment field in an error', async () => {
    const problem = await problemOf(load({ 'ostler.yaml': 'workers: { a: { command: c, env: { A: [canary] }, secrets: { env: { B: canary } } } }\n' }));
    expect(told(problem)).toHaveLength(2);
    expect(told(problem).join()).not.toContain('canary');
  });

  it('in a circle of three thousand are refused, not a stack overflow', async () => {
    const text = `workers:\n${Array.from({ length: 3000 }, (_, index) => `  w${index}: { command: c, dependsOn: { w${(index + 1) % 3000}: started } }\n`).join('')}`;
    expect((await problemOf(load({ 'ostler.yaml': text }))).message).toMatch(/^`dependsOn` goes in a circle: w0 -> w1/);
  });
});

describe('a code config', () => {
  it('may be TypeScript: Node strips the types', () => {
    const folder = folderWith({ 'ostler.ts': 'const name: string = "mini";\nexport default { host: name } satisfies { host: string };\n' });
    const script = `const { readHostFile } = await import(${JSON.stringify(import.meta.resolve('./index.ts'))}); process.stdout.write((await readHostFile({ path: ${JSON.stringify(join(folder, 'ostler.ts'))}, env: {} })).host);`;
    expect(execFileSync(process.execPath, ['--conditions=@ostler/source', '--input-type=module', '-e', script], { encoding: 'utf8' })).toBe('mini');
  });

  it('that others can write is not run', async () => {
    const folder = folderWith({ 'ostler.mjs': 'globalThis.wasRun = true; export default {}' });
    const path = join(folder, 'ostler.mjs');
    chmodSync(path, 0o664);
    const problem = await problemOf(loadHostFile({ path, env: {}, schemas: () => registry }));
    expect(problem.code).toBe('host-file-untrusted');
    expect(problem.message).toContain('others can write it (mode 0664)');
    expect('wasRun' in globalThis).toBe(false);
  });

  it('of another user is not run', () => {
    expect(() => refuseUntrusted('/x/ostler.ts', { uid: (process.getuid?.() ?? 0) + 1, mode: 0o600 })).toThrow(/it belongs to user/);
  });

  it('is read anew when it changed', async () => {
    const path = join(folderWith({ 'ostler.mjs': 'export default { host: "a" }' }), 'ostler.mjs');
    const host = async () => (await loadHostFile({ path, env: {}, schemas: () => registry })).host;
    expect(await host()).toBe('a');
    writeFileSync(path, 'export default { host: "b" }');
    expect(await host()).toBe('b');
  });
});

describe('JSON Schema', () => {
  it('holds the options of the loaded plugins and is plain JSON', () => {
    const text = JSON.stringify(hostFileJsonSchema(registry));
    for (const name of ['"nice"', '"wasmtime"', '"ping"', '"dependsOn"', '"startConcurrency"']) expect(text).toContain(name);
  });
});
