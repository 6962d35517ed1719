import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { Failure } from '../failure.ts';
import { serviceWords } from './file/words.ts';
import { imported, withCore } from './fixtures/imported.ts';

const word = fc.constantFrom(
  'a',
  'b',
  'web',
  'my_db',
  'A.b',
  'data',
  'front',
  '',
  'x y',
  '-',
  '1',
  '0x1f',
  '022',
  '1.10',
  'true',
  'yes',
  'ä',
  '\u0007',
  "it's",
  '"',
);
const variable = fc.constantFrom('$X', '${X}', '${X:-1}', '${Y:-${X}}', '$$', '${X:+y}', '${Z-}', '${X:-a:b}', '${X:-{}}');
const text = fc.oneof(
  word,
  variable,
  fc.tuple(word, variable, word).map((parts) => parts.join('')),
  fc.constantFrom(
    './a:/b',
    'data:/b:ro',
    '/c',
    '80:80',
    '127.0.0.1:1-3:1-3/udp',
    '5',
    'host',
    'service:web',
    'container:a',
    'A=1',
    'B',
    'on-failure:3',
    '30s',
    '1m',
    '512m',
    '-1',
    'no',
    'CMD',
    'SIGINT',
    'all',
    '0',
  ),
);
const scalar = fc.oneof(
  { weight: 5, arbitrary: text },
  { weight: 1, arbitrary: fc.oneof(fc.integer({ min: -2, max: 70_000 }), fc.boolean(), fc.constant(null), fc.double({ noNaN: true })) },
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { weight: 4, arbitrary: scalar },
    { weight: 2, arbitrary: fc.array(tie('value'), { maxLength: 3 }) },
    {
      weight: 2,
      arbitrary: fc.dictionary(
        fc.oneof(
          word,
          fc.constantFrom(
            'source',
            'target',
            'type',
            'published',
            'condition',
            'test',
            'interval',
            'limits',
            'resources',
            'context',
            'driver',
            'options',
            'soft',
            'hard',
            'aliases',
            'count',
            'size',
          ),
        ),
        tie('value'),
        { maxKeys: 4, noNullPrototype: true },
      ),
    },
  ),
}));
/** Forms that Compose takes, a field each. */
const good: readonly (readonly [string, fc.Arbitrary<unknown>])[] = [
  ['ports', fc.uniqueArray(fc.constantFrom('80:80', 8080, '127.0.0.1:${X:-1}:2/udp', '7-9:7-9', '[::1]:5:5', '${Z:-6:6}'), { maxLength: 3 })],
  [
    'volumes',
    fc.uniqueArray(fc.constantFrom('./a:/b', 'data:/c', '/d', '~/e:/e:ro,z', '${X:-./f}:/f', '/var/run/docker.sock:/s', '/:/host:rslave'), { maxLength: 4 }),
  ],
  ['environment', fc.oneof(fc.array(fc.constantFrom('A=1', 'B', 'C=$$x${X}', 'PORT=8080', '1=2')), fc.dictionary(word, scalar, { noNullPrototype: true }))],
  [
    'labels',
    fc.dictionary(
      word,
      text.filter((one) => !one.includes('$') || one.includes('{')),
      { noNullPrototype: true },
    ),
  ],
  ['networks', fc.oneof(fc.uniqueArray(fc.constantFrom('front', 'default')), fc.constant({ front: { aliases: ['a', 'b', 'web', '-'] } }))],
  ['depends_on', fc.oneof(fc.constant(['my_db']), fc.constant({ my_db: { condition: 'service_completed_successfully', restart: true } }))],
  [
    'command',
    fc.oneof(
      fc.constantFrom('a b', 'x "y z"', '', "sh -c 'echo $$HOME'"),
      fc.array(
        text.filter((one) => one !== '$X'),
        { maxLength: 3 },
      ),
    ),
  ],
  ['entrypoint', fc.constantFrom('', [], ['/x'], 'sh -c')],
  [
    'healthcheck',
    fc.record(
      {
        test: fc.constantFrom('a', ['CMD', 'b'], ['NONE'], ['CMD-SHELL', 'c || $$d']),
        interval: fc.constantFrom('1s', '1m30s', '500ms', '0s'),
        retries: fc.nat(5),
      },
      { requiredKeys: [] },
    ),
  ],
  ['network_mode', fc.constantFrom('host', 'none', 'bridge', 'service:my_db', 'container:gone', 'other')],
  ['restart', fc.constantFrom('no', 'always', 'on-failure:2', 'unless-stopped', 'on-failure')],
  ['mem_limit', fc.constantFrom('64m', 1000, '1.5g', '0', '${X:-7m}')],
  ['ulimits', fc.constantFrom({ nofile: 3 }, { nofile: { soft: 1, hard: 2 }, NoSuch: 4, memlock: -1 })],
  ['logging', fc.constantFrom({ driver: 'syslog' }, { options: { 'max-size': '1m', 'max-file': 2, x: 'y' } })],
  ['profiles', fc.uniqueArray(fc.constantFrom('p', 'q'), { maxLength: 2 })],
  ['devices', fc.uniqueArray(fc.constantFrom('/dev/a', '/dev/b:/dev/c:rw', 'nvidia.com/gpu=all', 'x.org/y=z'))],
  ['gpus', fc.constantFrom('all', [{ count: 2 }], [{ device_ids: ['0'] }])],
  ['tmpfs', fc.constantFrom('/a', ['/b:size=1m,mode=700'], [])],
  ['stop_grace_period', fc.constantFrom('1s', '90s', '1h5m', '0s')],
  ['user', fc.constantFrom('a', '1:2', '${X:-3}')],
  ['hostname', fc.constantFrom('h', 'h.example.org')],
  ['container_name', fc.constantFrom('web', 'My_Name', 'n.1')],
  ['extra_hosts', fc.constantFrom(['a:1.1.1.1', 'b:x'], { 'host.docker.internal': 'host-gateway' })],
  ['security_opt', fc.constantFrom(['no-new-privileges'], ['seccomp=unconfined', 'label=a', 'odd'])],
  ['privileged', fc.boolean()],
  ['pid', fc.constantFrom('host', 'service:web', '')],
  ['sysctls', fc.constantFrom({ 'net.a': 1, b: 'c' }, ['d=e'])],
];
const service = fc.record(Object.fromEntries(serviceWords.map((name) => [name, value])), { requiredKeys: [] });
const tame = fc.uniqueArray(fc.nat(good.length - 1), { minLength: 1, maxLength: 6 }).chain((chosen) =>
  fc.record(Object.fromEntries([['image', fc.constantFrom('i', 'i:${X:-1}')] as const, ...chosen.map((index) => good[index]!)])).map((fields) => {
    const { networks, ...rest } = fields as Record<string, unknown>;
    return networks === undefined || 'network_mode' in rest ? rest : { ...rest, networks };
  }),
);
const around = {
  networks: fc.constantFrom(
    { front: null },
    { front: { internal: true, ipam: { config: [{ subnet: '10.0.0.0/24' }] } } },
    { front: { external: true, name: 'x' }, default: { driver_opts: { a: 'b' } } },
  ),
  volumes: fc.constantFrom({ data: null }, { data: { external: true } }, { data: { driver: 'local', driver_opts: { a: 'b' } } }),
};
const file = fc.oneof(
  fc.record({ ...around, services: fc.record({ web: tame, my_db: tame.map(({ depends_on: _, network_mode: __, ...rest }) => rest) }) }),
  fc.record(
    {
      ...around,
      services: fc.dictionary(fc.constantFrom('web', 'my_db', 'A', 'x.y'), service, { minKeys: 1, noNullPrototype: true }),
      secrets: value,
      configs: value,
    },
    { requiredKeys: ['services'] },
  ),
);

/** What Compose finds out only when it starts them. */
const contradictions = /both publish port|has to run for its network to be shared/;

test('whatever stands in a Compose file, there comes a host file that is valid, or an error that says what is wrong where', { timeout: 240_000 }, async () => {
  const { core, registry } = await withCore();
  let made = 0;
  await fc.assert(
    fc.asyncProperty(file, fc.boolean(), async (content, isSet) => {
      let result: Awaited<ReturnType<typeof imported>>;
      try {
        result = await imported({ 'compose.yaml': stringify(content), '.env': isSet ? 'X=v\n' : '' });
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        for (const one of [error.problem, ...(error.problem.others ?? [])]) {
          expect(one.code).toBe('compose-file-invalid');
          expect(one.message).not.toMatch(/undefined|\[object|NaN/);
          if (!/^and \d+ more$/.test(one.message)) expect(one.place?.line).toBeGreaterThan(0);
        }
        return;
      }
      made += 1;
      const { writeFile } = await import('node:fs/promises');
      const path = `${result.folder}/ostler.yaml`;
      await writeFile(path, result.text);
      try {
        // Compose too refuses a service that needs one whose profile was not asked for.
        const profiles = [...result.text.matchAll(/^ {4}profiles: \[ (.*) \]$/gm)].flatMap(([, names = '']) => names.split(', '));
        const config = await core.checkWorkers(await core.readHostFile({ path, env: {} }), registry, { profiles });
        expect(Object.keys(config.workers).length + Object.keys(config.left).length).toBe(result.workers.length);
      } catch (error) {
        if (!core.isProblem(error)) throw error;
        const told = [error, ...(error.others ?? [])].map(({ message }) => message).filter((message) => !contradictions.test(message));
        if (told.length > 0) throw new Error(`${told.join('\n')}\n\n${result.text}\n\n${stringify(content)}`);
      }
    }),
    { numRuns: 400 },
  );
  expect(made).toBeGreaterThan(60);
});

test('whatever text stands there, the worker is given the same', { timeout: 120_000 }, async () => {
  const { core, registry } = await withCore();
  const { writeFile } = await import('node:fs/promises');
  // A NUL cannot be in an environment.
  const odd = fc.constantFrom(
    '$',
    '$$',
    '${',
    '}',
    '"',
    "'",
    '\n',
    '\r',
    '\t',
    ' ',
    '#',
    ': ',
    '- ',
    '\\',
    '|',
    '>',
    '%',
    '@',
    '\u00a0',
    '\u2028',
    '\ud83d\ude00',
    '\u0007',
    'no',
    '~',
  );
  const any = fc
    .oneof(
      fc.string({ unit: 'grapheme', maxLength: 20 }),
      fc.array(fc.oneof(odd, fc.string({ maxLength: 5 })), { maxLength: 8 }).map((parts) => parts.join('')),
    )
    .filter((one) => !one.includes('\0'));
  await fc.assert(
    fc.asyncProperty(fc.array(any, { minLength: 1, maxLength: 5 }), async (texts) => {
      const escaped = texts.map((one) => one.replaceAll('$', '$$$$'));
      const content = {
        services: { web: { image: 'i', environment: Object.fromEntries(escaped.map((one, index) => [`V${index}`, one])), command: ['run', ...escaped] } },
      };
      // JSON is YAML. A text of a space and a newline comes back from `stringify` without the space.
      const result = await imported({ 'compose.yaml': JSON.stringify(content) });
      const path = `${result.folder}/ostler.yaml`;
      await writeFile(path, result.text);
      const config = await core.checkWorkers(await core.readHostFile({ path, env: {} }), registry);
      const { env, command } = config.workers['web']!.written as { env: Record<string, string>; command: string[] };
      expect([Object.values(env), command]).toEqual([texts, ['run', ...texts]]);
    }),
    { numRuns: 300 },
  );
});
