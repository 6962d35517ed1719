import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { run } from './core-verbs/check.ts';
import { problemOf } from './failure.ts';

const good = `ostler: 1
host: mini
vars: { DATA: /srv, HERE: { env: HOME, default: here } }
agent: { startConcurrency: 2, apply: manual }
defaults: { service: { stop: { grace: 10s } } }
workers:
  web:
    runtime: native
    command: [sleep, "1000"]
    ports: ["18501:18501"]
    env: { DATA: "\${DATA}" }
    health: { tcp: { port: 18501 }, interval: 5s }
    dependsOn: { db: healthy }
  db:
    runtime: [native]
    shell: "while :; do sleep 1; done"
    restart: { policy: on-failure, backoff: { max: 60s } }
  night:
    runtime: native
    schedule: "0 3 * * *"
    command: [true]
`;
const fields = (
  'runtime kind image build command shell workingDir user groups env envFile secrets files setup ports mounts volumes networks networkMode hostname devices tmpfs shm dns ' +
  'labels limits gpu priority capabilities readOnly ulimits sysctls sandbox privileged enabled profiles schedule restart stop reload hooks health dependsOn needsMounts ' +
  'update logs expose alerts container process cluster native description init tty'
).split(' ');
const top = ['ostler', 'host', 'extends', 'plugins', 'vars', 'varsFiles', 'agent', 'alerts', 'images', 'volumes', 'defaults', 'workers', 'policy', 'networks'];
const nasty = [
  ...[
    '',
    ' ',
    '\n',
    '..',
    '/',
    '/dev/zero',
    '/dev/full',
    '/proc/self/mem',
    '~root',
    '$',
    '${',
    '${DATA',
    `\${DATA:-\${DATA}}`,
    '$$',
    '-rf',
    '--',
    '\u0000',
    '\ud800',
    '💣',
  ],
  ...[
    '__proto__',
    'constructor',
    'toString',
    'file:/dev/zero',
    'file:',
    'sops://',
    '0 0 31 2 *',
    '* * * * * *',
    '@reboot',
    '99999999999999999999s',
    '-1',
    '1e400',
    '0x1f',
  ],
  ...[
    '0:0',
    '65536:1',
    '1-70000:2',
    '[::1]:80:80',
    '::',
    '127.0.0.1:1:1/sctp',
    'worker:web',
    'a'.repeat(70_000),
    'native',
    'docker',
    './x.js',
    'node:fs',
    'fs',
    '@ostler/core',
  ],
];

const text = fc.oneof(fc.constantFrom(...nasty), fc.string({ unit: 'binary', maxLength: 40 }), fc.string({ maxLength: 12 }));
const anything = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    text,
    fc.constantFrom(null, true, false, 0, -1, 1.5, 1e308, Number.MAX_SAFE_INTEGER, [], {}),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.constantFrom(...fields), text), tie('value'), { maxKeys: 4 }),
  ),
})).value;
const worker = fc
  .dictionary(fc.constantFrom(...fields), anything, { maxKeys: 3 })
  .map((more): object => ({ runtime: 'native', command: ['sleep', '1'], ...more }));
const structured = fc
  .tuple(
    fc.dictionary(fc.constantFrom('web', 'db', 'a-b', 'A', '..', ''), fc.oneof(worker, worker, anything), { maxKeys: 3 }),
    fc.dictionary(fc.constantFrom(...top), anything, { maxKeys: 2 }),
  )
  .map(([workers, more]) => JSON.stringify({ ostler: 1, workers, ...more }));
/** Well formed, so that it gets as far as the runtime: what it asks for is hostile. */
const word = fc.oneof(text, fc.constantFrom('sleep', '/bin/sh', '/', '/etc/passwd', '/root', '/nonexistent/x', 'root', 'nobody', '4294967295', '0:0'));
const number = fc.oneof(fc.integer(), fc.constantFrom(0, -1, 0.5, 1, 65_535, 65_536, 2 ** 31, 2 ** 53, '1GiB', '999999999TiB', '0.0001'));
const wellFormed = fc
  .record(
    {
      command: fc.oneof(word, fc.array(word, { minLength: 1, maxLength: 3 })),
      workingDir: word,
      user: fc.oneof(word, fc.nat()),
      groups: fc.array(word, { maxLength: 2 }),
      env: fc.dictionary(fc.oneof(fc.constant('PATH'), text), text, { maxKeys: 2 }),
      envFile: word,
      ports: fc.array(fc.oneof(fc.nat(70_000), fc.constantFrom('1:1', '0.0.0.0:18502:18502', '[::1]:18503:18503', '203.0.113.9:18504:18504')), {
        maxLength: 2,
      }),
      limits: fc.dictionary(fc.constantFrom('cpus', 'memory', 'pids', 'nofile'), number, { maxKeys: 2 }),
      ulimits: fc.dictionary(fc.constantFrom('nofile', 'core', 'stack', 'no'), number, { maxKeys: 2 }),
      priority: number,
      schedule: fc.constantFrom('0 3 * * *', '0 0 30 2 *', '* * * * * *', '60 25 * * *', '@daily', ''),
      secrets: fc.record({
        files: fc.dictionary(
          word,
          fc.oneof(
            word,
            word.map((path) => `file:${path}`),
          ),
          { maxKeys: 2 },
        ),
      }),
      mounts: fc.array(fc.record({ from: word, to: word }), { maxLength: 2 }),
      stop: fc.record({ grace: fc.constantFrom('0s', '1ms', '9999h', '-1s'), signal: fc.constantFrom('SIGTERM', 'SIGKILL', 'SIGNONE', '0', '64') }),
      health: fc.record({ exec: fc.array(word, { maxLength: 2 }) }),
      dependsOn: fc.dictionary(fc.constantFrom('web', 'db', 'gone'), fc.constantFrom('healthy', 'completed', 'never'), { maxKeys: 2 }),
      networkMode: fc.constantFrom('host', 'none', 'worker:web', 'worker:gone'),
    },
    { requiredKeys: ['command'] },
  )
  .chain((all) =>
    fc
      .subarray(Object.keys(all), { maxLength: 3 })
      .map((keys) => ({ runtime: 'native', command: 'sleep 1', ...Object.fromEntries(Object.entries(all).filter(([key]) => keys.includes(key))) })),
  );
const reaching = fc.dictionary(fc.constantFrom('web', 'db'), wellFormed, { minKeys: 1, maxKeys: 2 }).map((workers) => JSON.stringify({ ostler: 1, workers }));
/** A good file of which a part is gone, doubled or other text. */
const mangled = fc
  .array(
    fc.tuple(
      fc.nat(good.length),
      fc.nat(60),
      fc.oneof(fc.constant(''), fc.constant(good.slice(0, 200)), fc.constantFrom(': ', '- ', '&a ', '*a ', '!!', '<<: ', '|\n', '"', '\t'), text),
    ),
    {
      minLength: 1,
      maxLength: 4,
    },
  )
  .map((edits) => edits.reduce((was, [at, length, put]) => was.slice(0, at) + put + was.slice(at + length), good));
const noise = fc.uint8Array({ maxLength: 300 });

let folder: string;
let printed: string[];
const unhandled: unknown[] = [];
const keep = (error: unknown): void => void unhandled.push(error);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ostler-hostile-'));
  process.on('unhandledRejection', keep);
  vi.stubEnv('OSTLER_DATA_DIR', join(folder, 'data'));
  printed = [];
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, 'write').mockImplementation((chunk) => {
      printed.push(String(chunk));
      return true;
    });
});
afterAll(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.off('unhandledRejection', keep);
  rmSync(folder, { recursive: true, force: true });
});
afterEach(() => {
  printed.length = 0;
});

/** As the command ends: the code, and what it says. */
async function check(config: string, json = false): Promise<{ readonly exitCode: number; readonly code: string | null; readonly said: string }> {
  printed.length = 0;
  try {
    const exitCode = await run({ config, json });
    return { exitCode, code: null, said: printed.join('') };
  } catch (error) {
    const { exitCode, code, message } = problemOf(error);
    return { exitCode, code, said: message };
  }
}

let count = 0;
async function expectSane(content: string | Uint8Array, type: string, json: boolean): Promise<void> {
  count += 1;
  const own = join(folder, String(count));
  mkdirSync(own);
  const config = join(own, `ostler.${type}`);
  writeFileSync(config, content);
  const { exitCode, code, said } = await check(config, json);
  expect([0, 1, 2], said).toContain(exitCode);
  expect(code, said).not.toBe('internal');
  expect(said.trim(), 'something is said').not.toBe('');
}

const files: Readonly<Record<string, readonly [fc.Arbitrary<string | Uint8Array>, readonly string[]]>> = {
  'of any values where fields are expected': [structured, ['json', 'yaml']],
  'well formed that asks for the impossible': [reaching, ['json']],
  'that was good before it was mangled': [mangled, ['yaml']],
  'of any bytes': [noise, ['json', 'yaml', 'toml']],
};
test.each(Object.keys(files))('`check` of a hundred host files %s ends with 0, 1 or 2 each time, and says why', { timeout: 120_000 }, async (kind) => {
  const [content, types] = files[kind]!;
  const limits = { numRuns: 100, seed: 20_260_101, interruptAfterTimeLimit: 100_000, markInterruptAsFailure: true };
  await fc.assert(fc.asyncProperty(content, fc.constantFrom(...types), fc.boolean(), expectSane), limits);
  expect(unhandled).toEqual([]);
});

test('the good file that others are made from is good', async () => {
  const config = join(folder, 'ostler.yaml');
  writeFileSync(config, good);
  expect(await check(config)).toMatchObject({ exitCode: 0, code: null });
});

test.each<[string, (path: string) => void]>([
  ['a folder', (path) => mkdirSync(path)],
  ['an endless file', (path) => symlinkSync('/dev/zero', path)],
  ['a link to itself', (path) => symlinkSync(path, path)],
  ['nothing that is there', () => {}],
])('%s given as the host file is refused with 2', async (what, make) => {
  const config = join(folder, `${what.replaceAll(' ', '-')}.yaml`);
  make(config);
  expect(await check(config)).toMatchObject({ exitCode: 2, code: 'host-file-missing' });
});
