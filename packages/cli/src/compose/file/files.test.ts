import { describe, expect, test } from 'vitest';
import { imported, toldOf } from '../fixtures/imported.ts';

const one = (fields: string): string =>
  `services:\n  web:\n    image: i\n    restart: always\n${fields
    .trim()
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n')}\n`;
const web = async (base: string, over: string) =>
  (
    await imported(
      {
        'compose.yaml': one(base),
        'over.yaml': `services:\n  web:\n${over
          .trim()
          .split('\n')
          .map((line) => `    ${line}`)
          .join('\n')}\n`,
      },
      { files: ['compose.yaml', 'over.yaml'] },
    )
  ).hostFile.workers['web'];

describe('several files', () => {
  test.each([
    ['environments are joined, in either form', 'environment: [A=1, B=1]', 'environment: {B: 2, C: 3}', { env: { A: '1', B: '2', C: '3' } }],
    ['commands are replaced', 'command: [a, b]', 'command: c', { command: 'c' }],
    ['ports are appended', 'ports: ["1:1"]', 'ports: ["2:2", "1:1"]', { ports: ['0.0.0.0:1:1', '0.0.0.0:2:2'] }],
    [
      'a mount of the same path is replaced',
      'volumes: [./a:/x, ./b:/y]',
      'volumes: [{type: bind, source: ./c, target: /x}]',
      {
        mounts: [
          { from: './c', to: '/x' },
          { from: './b', to: '/y' },
        ],
      },
    ],
    ['`!override` replaces', 'ports: ["1:1"]', 'ports: !override ["2:2"]', { ports: ['0.0.0.0:2:2'] }],
    ['`!reset` takes away', 'ports: ["1:1"]\nuser: a', 'ports: !reset []\nuser: !reset null', {}],
    ['nothing changes nothing', 'user: a\ncap_add: [KILL]', 'user:\ncap_add:', { user: 'a', capabilities: { add: ['KILL'] } }],
    [
      'options of another log driver are none',
      'logging: {driver: json-file, options: {max-size: 1m}}',
      'logging: {driver: journald}',
      { container: { logDriver: 'journald' } },
    ],
    [
      'options of the same one are joined',
      'logging: {options: {max-size: 1m}}',
      'logging: {options: {max-file: "2"}}',
      { logs: { maxSize: '1MB', maxFiles: 2 } },
    ],
    ['limits of one number are replaced', 'ulimits: {nofile: {soft: 1, hard: 2}}', 'ulimits: {nofile: 9}', { ulimits: { nofile: 9 } }],
    [
      'a health test is replaced, the rest is joined',
      'healthcheck: {test: [CMD, a, b], interval: 9s}',
      'healthcheck: {test: [CMD, c]}',
      { health: { exec: ['c'], interval: '9s', timeout: '30s', startPeriod: '27s' } },
    ],
  ])('%s', async (_, base, over, expected) => {
    const { runtime: _r, image: _i, ...worker } = (await web(base, over)) ?? {};
    expect(worker).toEqual(expected);
  });
  test('that cannot be merged are an error, with both places', async () => {
    expect(await toldOf(web('ports: ["1:1"]', 'ports: {a: 1}'))).toContainEqual(
      expect.stringMatching(/^3:5 services\.web\.ports is a map here, and a list in line 5 of compose\.yaml|^3:12 .*cannot be merged/),
    );
  });
});

describe('a service that extends another', () => {
  test('takes what that one has, over files and their folders', async () => {
    const { hostFile } = await imported({
      'compose.yaml': 'services:\n  web: {extends: {file: common/a.yaml, service: mid}, image: own, environment: [C=3]}\n',
      'common/a.yaml':
        'services:\n  mid: {extends: low, environment: {B: 2}, volumes: ["./data:/data"], labels: [a=1]}\n  low: {image: low, environment: [A=1, B=1], labels: {b: 2}}\n',
    });
    expect(hostFile.workers['web']).toMatchObject({
      image: 'own',
      env: { A: '1', B: '2', C: '3' },
      mounts: [{ from: './common/data', to: '/data' }],
      labels: { a: '1', b: '2' },
    });
    expect(Object.keys(hostFile.workers)).toEqual(['web']);
  });
  test('in a circle, or nobody, is an error', async () => {
    expect(await toldOf(imported({ 'compose.yaml': 'services:\n  a: {extends: b}\n  b: {extends: {service: a}}\n' }))).toEqual([
      expect.stringMatching(/circle: a -> b -> a/),
    ]);
    expect(await toldOf(imported({ 'compose.yaml': 'services:\n  a: {image: i, extends: bb}\n  b: {image: i}\n' }))).toEqual([
      expect.stringMatching(/no service `bb` \| Did you mean `b`/),
    ]);
    expect(await toldOf(imported({ 'compose.yaml': 'services: {a: {extends: {file: x.yaml, service: y}}}' }))).toEqual([
      expect.stringMatching(/^1:25 x\.yaml does not exist/),
    ]);
  });
});

describe('a file that includes others', () => {
  const inner = 'services: {db: {image: "db:${V}", volumes: ["./d:/d"], environment: [V, W]}}\n';
  test('takes their services, with their folder and their variables', async () => {
    const { hostFile } = await imported({
      'compose.yaml': 'include: [sub/compose.yaml]\nservices: {web: {image: i, depends_on: [db]}}\n',
      'sub/compose.yaml': inner,
      'sub/.env': 'V=7\nW=inner\n',
      '.env': 'W=outer\n',
    });
    expect(hostFile).toMatchObject({
      varsFiles: ['./sub/.env', './.env'],
      workers: { db: { image: 'db:${V}', mounts: [{ from: './sub/d', to: '/d' }], env: { V: '${V}', W: '${W}' } } },
    });
  });
  test('takes what is the same twice, and nothing that is not', async () => {
    const files = { 'compose.yaml': 'include: [a.yaml, {path: b.yaml}]\nservices: {}\n', 'a.yaml': 'services: {db: {image: i}}\n' };
    expect((await imported({ ...files, 'b.yaml': files['a.yaml'] })).workers).toEqual(['db']);
    expect(await toldOf(imported({ ...files, 'b.yaml': 'services: {db: {image: j}}\n' }))).toEqual([
      expect.stringMatching(/services\.db stands here and in b\.yaml:1/),
    ]);
  });
  test('that go in a circle, are not there, or are elsewhere, are errors', async () => {
    expect(await toldOf(imported({ 'compose.yaml': 'include: [a.yaml]\n', 'a.yaml': 'include: [compose.yaml]\n' }))).toEqual([
      expect.stringMatching(/`include` goes in a circle/),
    ]);
    expect(await toldOf(imported({ 'compose.yaml': 'include: [none.yaml]\nservices: {a: {image: i}}\n' }))).toEqual([
      expect.stringMatching(/^1:11 none\.yaml does not exist/),
    ]);
    expect(await toldOf(imported({ 'compose.yaml': 'include: ["oci://example.org/x"]\nservices: {a: {image: i}}\n' }))).toEqual([
      expect.stringMatching(/is not on this machine/),
    ]);
  });
});

describe('variables', () => {
  const image = async (text: string, files: Readonly<Record<string, string>> = {}, env: Readonly<Record<string, string>> = {}) => {
    const { hostFile } = await imported({ 'compose.yaml': `services: {a: {image: ${JSON.stringify(text)}}}\n`, ...files }, { env });
    return { image: hostFile.workers['a']?.['image'], vars: hostFile.vars, varsFiles: hostFile.varsFiles };
  };
  test.each([
    ['a:$X', 'a:${X}', { env: 'X', default: '' }],
    ['a:${X}', 'a:${X}', { env: 'X', default: '' }],
    ['a:${X:-1}', 'a:${X:-1}', { env: 'X', default: '' }],
    ['a:${X-1}', 'a:${X:-1}', { env: 'X', default: '' }],
    ['a:${X:-$Y}', 'a:${X:-${Y}}', { env: 'X', default: '' }],
    ['a:${X:-${Y:-1}$$}', 'a:${X:-${Y:-1}$$}', { env: 'X', default: '' }],
    ['a$$b', 'a$$b', undefined],
    ['a:x${X:+1}', 'a:x', undefined],
    ['a:${X:-{}}', 'a:{}', undefined],
  ])('that nothing sets: %s', async (text, kept, variable) => {
    const found = await image(text);
    expect([found.image, found.vars?.['X']]).toEqual([kept, variable]);
  });
  test('that an env file sets stay there', async () => {
    expect(await image('a:${X:?no}${X+1}', { '.env': 'X=secret\n' })).toEqual({ image: 'a:${X:?no}1', vars: undefined, varsFiles: './.env' });
  });
  test('that ostler would read otherwise from the file are written down', async () => {
    const found = await image('a:${A}${B}${C}', { '.env': 'HOST=h\nA="x ${HOST:-y}"\nB=1#2\nC=plain\n' });
    expect(found).toEqual({ image: 'a:${A}${B}${C}', vars: { A: 'x ${HOST:-y}', B: '1#2' }, varsFiles: './.env' });
  });
  test('that the environment sets go before the file, and are asked of it', async () => {
    expect(await image('a:${X}', { '.env': 'X=file\n' }, { X: 'env' })).toEqual({ image: 'a:${X}', vars: { X: { env: 'X' } }, varsFiles: undefined });
  });
  test('of Compose and of the shell’s folder are filled in', async () => {
    const { hostFile } = await imported(
      { 'compose.yaml': 'name: shop\nservices: {a: {image: "i:${COMPOSE_PROJECT_NAME}", volumes: ["${PWD}/x:/x"]}}\n' },
      { env: { PWD: '/somewhere' } },
    );
    expect(hostFile.workers['a']).toMatchObject({ image: 'i:shop', mounts: [{ from: '/somewhere/x', to: '/x' }] });
  });
  test('that must be converted are filled in, and it is said', async () => {
    const { hostFile, differsLines } = await imported({ 'compose.yaml': 'services: {a: {image: i, mem_limit: "${MEM:-64m}", memswap_limit: 64m}}\n' });
    expect(hostFile.workers['a']?.['limits']).toEqual({ memory: '64MiB' });
    expect(differsLines).toContainEqual(expect.stringMatching(/^mem_limit of a .*MEM was filled in as it is now/));
  });
  test('that are missing, or are none, are errors, all at once', async () => {
    expect(await toldOf(imported({ 'compose.yaml': 'services:\n  a: {image: "${A:?say it}"}\n  b: {image: "${B?}"}\n  c: {image: "x$"}\n' }))).toEqual([
      expect.stringMatching(/^2:14 the variable A has no value, and is required: say it \| Set it in `\.env`/),
      expect.stringMatching(/^3:14 the variable B has no value/),
      expect.stringMatching(/^4:14 a single `\$`/),
    ]);
  });
  test('of which nothing comes are named where that is too little', async () => {
    expect(await toldOf(imported({ 'compose.yaml': 'services:\n  a: {image: i, volumes: ["${WHERE}:/x"]}\n  b: {image: "${WHAT}"}\n' }))).toEqual([
      expect.stringMatching(/found `:\/x` \| \$\{WHERE\} has no value: set it in `\.env`/),
      expect.stringMatching(/neither `image` nor `build` \| \$\{WHAT\} has no value/),
    ]);
  });
  test('come from the files that are named, the last one first', async () => {
    const files = { 'compose.yaml': 'services: {a: {image: "${X}${Y}"}}\n', '.env': 'X=0\n', one: 'X=1\nY=1\n', two: 'X=2\n' };
    const { hostFile } = await imported(files, { envFiles: ['one', 'two'] });
    expect([hostFile.varsFiles, hostFile.vars]).toEqual([['./one', './two'], undefined]);
  });
});

describe('env files of a service', () => {
  test('are read by ostler too; what it would read otherwise stands in the host file', async () => {
    const { hostFile, leftLines } = await imported({
      'compose.yaml': 'services: {a: {image: i, env_file: [a.env, {path: none.env, required: false}, {path: raw.env, format: raw}], environment: {Z: 9}}}\n',
      'a.env': '# notes\nA=1\nexport B=\'x y\'\nC="l1\\nl2"\nD=${A}-${N:-n}\nE=a #b\nF=a#b\nG\n',
      'raw.env': 'R="q"\n',
    });
    expect(hostFile.workers['a']).toMatchObject({ envFile: ['./a.env', './raw.env'], env: { D: '${A}-${N:-n}', F: 'a#b', R: '"q"', Z: '9' } });
    expect(hostFile.workers['a']?.['env']).not.toHaveProperty('B');
    expect(leftLines).toEqual([expect.stringMatching(/^env_file of a .*none\.env is not there/)]);
  });
  test('with a name that ostler has not stand in the host file', async () => {
    const { hostFile } = await imported({ 'compose.yaml': 'services: {a: {image: i, env_file: a.env}}\n', 'a.env': 'a.b=1\nC=2\n' });
    expect(hostFile.workers['a']).toMatchObject({ env: { 'a.b': '1', C: '2' } });
    expect(hostFile.workers['a']).not.toHaveProperty('envFile');
  });
  test('that are none are an error with a place', async () => {
    expect(await toldOf(imported({ 'compose.yaml': 'services: {a: {image: i, env_file: a.env}}\n', 'a.env': 'A=1\n\nwhat is this\n' }))).toEqual([
      expect.stringMatching(/^3:1 expected NAME=value/),
    ]);
    expect(await toldOf(imported({ 'compose.yaml': 'services: {a: {image: i}}\n', '.env': 'A="1\n' }))).toEqual([
      expect.stringMatching(/quote of A is not closed/),
    ]);
  });
});

test('plain values are what Compose takes them for', async () => {
  const values = ['022', '1.10', '1e3', '0x10', '0o17', '1_000', 'yes', 'True', '~', '"007"', '1e400', '12345678901234567890'];
  const { hostFile, differsLines } = await imported({
    'compose.yaml': `services: {a: {image: i, environment: {${values.map((value, index) => `V${index}: ${value}`).join(', ')}}}}\n`,
  });
  expect(Object.values(hostFile.workers['a']?.['env'] as object)).toEqual([
    '18',
    '1.1',
    '1000',
    '16',
    '15',
    '1000',
    'yes',
    'true',
    '007',
    '+Inf',
    '12345678901234567890',
  ]);
  expect(differsLines).toContainEqual(expect.stringMatching(/^environment of a .*V0 stands there without quotes, and Compose reads a number/));
});

test('what may be a secret is in no error and in no note', async () => {
  const secret = 'S3cret-Value';
  const told = await toldOf(imported({ 'compose.yaml': 'services: {a: {image: i}}\n', '.env': `KEY=begin\n${secret} more\n` }));
  const { leftLines, differsLines } = await imported({
    'compose.yaml': 'services: {a: {image: "i:${T}", environment: [A, B=0123, "C=${T}"], env_file: a.env}}\n',
    '.env': `T="${secret}#\${X}"\nA=${secret}\n`,
    'a.env': `D="${secret} \${X}"\n`,
  });
  expect([...told, ...leftLines, ...differsLines].join('\n')).not.toMatch(/S3cret|0123/);
});

describe('what is no Compose file', () => {
  test.each([
    ['', /is empty/],
    ['# nothing\n', /is empty/],
    ['[1]', /found a list/],
    ['services:\n\tweb: 1\n', /^2:1 not valid YAML: tabs/],
    ['services: {a: {image: i}}\n---\nx: 1\n', /^2:1 a second document/],
    ['services: {a: {image: i, image: j}}', /^1:26 `image` is given twice/],
    ['a: &a [*a]\nservices: {}\n', /stands inside of what it refers to/],
    ['services: {a: {image: *x}}\n', /x/],
    ['services: {a: {image: !secret i}}', /the tag `!secret`/],
    ['workers: {a: {image: i}}', /a host file already/],
    ['apiVersion: v1\nkind: Pod\n', /Kubernetes/],
    ['web: {image: i}\n', /first form of Compose/],
    ['services: {}', /names no service/],
    ['services: [a]', /is a map of names/],
    ['services: {"a b": {image: i}}', /is no name/],
    ['services: {a: x}', /expected a map/],
    ['services: {a: {}}', /neither `image` nor `build`/],
    ['servces: {a: {image: i}}', /Did you mean `services`/],
    ['services: {__proto__: {image: i}}', /cannot be used as a key/],
    [`services: ${'['.repeat(300)}`, /brackets are open|nested more/],
    [
      'x: &a [1]\ny: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\nz: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\nu: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]\nv: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d]\nw: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e]\nservices: {}\nxx: [*f, *f, *f, *f, *f, *f]\n',
      /values, aliases counted/,
    ],
  ])('%j', async (text, said) => {
    expect((await toldOf(imported({ 'compose.yaml': text }))).join('\n')).toMatch(said);
  });
});
