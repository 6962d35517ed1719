import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { run } from '../fixtures/command.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ostler-verbs-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const ostler = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  run(args, { cwd: folder, env: { HOME: folder, OSTLER_DATA_DIR: join(folder, 'data'), NO_COLOR: '1', ...env } });
function write(name: string, text: string): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
}
const sleeper = 'workers:\n  web:\n    runtime: native\n    command: [sleep, "1000"]\n';

test('init writes a host file that check finds good as it is, with its schema beside it', async () => {
  const wrote = await ostler(['init']);
  expect(wrote).toMatchObject({ code: 0, stdout: `wrote ${join(folder, 'ostler.yaml')}\n` });
  expect(readFileSync(join(folder, 'ostler.yaml'), 'utf8')).toMatch(/^# yaml-language-server: \$schema=\.\/\.ostler\/schema\.json\n/);
  expect(JSON.parse(readFileSync(join(folder, '.ostler', 'schema.json'), 'utf8'))).toMatchObject({ properties: { workers: expect.anything() } });
  expect(await ostler(['check'])).toEqual({ code: 0, stdout: expect.stringMatching(/ostler\.yaml: 1 worker, all well\n$/), stderr: '' });
});

test.each(['ostler.yaml', 'ostler.toml', 'ostler.config.ts', 'ostler.json'])('init writes nothing where there is %s', async (name) => {
  write(name, 'mine');
  const { code, stdout, stderr } = await ostler(['init']);
  expect([code, stdout, stderr]).toEqual([1, '', expect.stringContaining(`${join(folder, name)} is there already; nothing was written`)]);
  expect(readdirSync(folder)).toEqual([name]);
  expect(readFileSync(join(folder, name), 'utf8')).toBe('mine');
});

test('check makes no data directory, and says in JSON what it found for each worker', async () => {
  write('ostler.yaml', `${sleeper}  off:\n    command: x\n    enabled: false\n  bad:\n    runtime: native\n    command: [no-such-program]\n`);
  const { code, stdout, stderr } = await ostler(['check', '--json']);
  const found = JSON.parse(stdout) as { readonly workers: readonly { readonly name: string; readonly findings: readonly { readonly level: string }[] }[] };
  expect([code, stderr]).toEqual([1, '']);
  expect(found).toMatchObject({ version: 1, ok: false, hostFile: join(folder, 'ostler.yaml'), left: [{ name: 'off' }], plugins: [] });
  const refused = found.workers.filter(({ findings }) => findings.some(({ level }) => level === 'refused'));
  expect(refused).toEqual([
    expect.objectContaining({ name: 'bad', findings: expect.arrayContaining([expect.objectContaining({ text: expect.stringContaining('no-such-program') })]) }),
  ]);
  expect(readdirSync(folder)).toEqual(['ostler.yaml']);
});

test('check says what the policy does not allow, with the line that would, and where a container cannot reach a process', async () => {
  const workers = [
    '  api:\n    runtime: native\n    command: [sleep, "1000"]\n    ports: [18099]\n',
    '  web:\n    runtime: docker\n    image: web\n    dependsOn: { api: started }\n    mounts:\n      - { from: sock, to: /engine.sock }\n',
  ];
  symlinkSync('/run/docker.sock', join(folder, 'sock'));
  write('ostler.yaml', `workers:\n${workers.join('')}`);
  const env = { DOCKER_HOST: `unix://${join(folder, 'none.sock')}` };
  const { code, stdout, stderr } = await ostler(['check'], env);
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(/ostler\.yaml:11:7: workers\.web: .*\/run\/docker\.sock.*`policy: \{ engineSocket: true \}` in the host file allows it$/m),
  ]);
  expect(stdout).toMatch(/ostler\.yaml:9:\d+: workers\.web: dependsOn: it reaches api at host\.docker\.internal:18099.*0\.0\.0\.0:18099:18099/);
  write('ostler.yaml', `policy: { engineSocket: true }\nworkers:\n${workers.join('')}`);
  expect(await ostler(['check'], env)).toMatchObject({ stderr: expect.not.stringContaining('engineSocket') });
});

test('an invalid host file is one JSON document on stdout with --json', async () => {
  write('ostler.yaml', 'workers:\n  web:\n    comand: x\n');
  const { code, stdout, stderr } = await ostler(['check', '--json']);
  expect([code, stderr]).toEqual([2, '']);
  expect(JSON.parse(stdout)).toMatchObject({ version: 1, error: { code: 'host-file-invalid', place: { line: 3, column: 5 }, exitCode: 2 } });
});

test('check --quiet says the result alone', async () => {
  write('ostler.yaml', `${sleeper}    limits: { memory: 64MiB }\n`);
  expect(await ostler(['check', '--quiet'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^.*: 1 worker, all well\n$/), stderr: '' });
});

test('config shows each merged value with the file and line it comes from, and no value from the environment', async () => {
  write('base.yaml', 'agent:\n  startConcurrency: 7\n');
  write('ostler.yaml', `extends: [base.yaml]\nvars: { TOKEN: { env: TOKEN } }\n${sleeper}    env: { TOKEN: "\${TOKEN}" }\n`);
  const env = { TOKEN: 'hunter2-hunter2' };
  const { code, stdout, stderr } = await ostler(['config'], env);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(new RegExp(`^agent\\.startConcurrency: 7 +# ${join(folder, 'base.yaml')}:2$`, 'm'));
  expect(stdout).toMatch(new RegExp(`^workers\\.web\\.runtime: native +# ${join(folder, 'ostler.yaml')}:5$`, 'm'));
  const json = await ostler(['config', '--json'], env);
  expect(JSON.parse(json.stdout)).toMatchObject({
    version: 1,
    merged: { agent: { startConcurrency: 7 } },
    files: [join(folder, 'ostler.yaml'), join(folder, 'base.yaml')],
  });
  expect(stdout + json.stdout).not.toContain('hunter2');
});

test('schema is the JSON Schema of the host file, with one and without one', async () => {
  const without = await ostler(['schema']);
  write('ostler.yaml', sleeper);
  const withOne = await ostler(['schema']);
  expect([without.code, withOne.code]).toEqual([0, 0]);
  expect(JSON.parse(without.stdout)).toMatchObject({ type: 'object' });
  expect(JSON.parse(withOne.stdout)).toEqual(JSON.parse(without.stdout));
});

test('plugins and runtimes answer without an agent, from the host file or from what comes with ostler', async () => {
  const alone = await ostler(['runtimes', '--json']);
  expect(JSON.parse(alone.stdout)).toMatchObject({
    version: 1,
    runtimes: [
      { name: 'native', class: 'process', state: 'up' },
      { name: 'docker', class: 'container' },
      { name: 'podman', class: 'container' },
    ],
  });
  write('ostler.yaml', sleeper);
  const [plugins, runtimes] = [await ostler(['plugins', '--json']), await ostler(['runtimes'])];
  expect(JSON.parse(plugins.stdout)).toMatchObject({
    version: 1,
    plugins: [
      { id: '@ostler/runtime-native', state: 'ready', problem: null },
      { id: '@ostler/runtime-docker', state: 'ready', problem: null },
    ],
  });
  expect(runtimes).toMatchObject({ code: 0, stdout: expect.stringMatching(/^native {2}up/) });
  expect(readdirSync(folder)).toEqual(['ostler.yaml']);
});

test('doctor gives each finding with what to do, and ends with 1 only if one is an error', async () => {
  const well = await ostler(['doctor', '--json']);
  expect(well.code).toBe(0);
  const { findings } = JSON.parse(well.stdout) as {
    readonly findings: readonly { readonly area: string; readonly level: string; readonly fix: string | null }[];
  };
  expect(findings.map(({ area }) => area)).toEqual(['node', 'clock', 'data', 'secrets', 'agent', 'host file']);
  expect(findings.filter(({ level, fix }) => level !== 'ok' && fix === null)).toEqual([]);
  write('plain', '');
  const ill = await ostler(['doctor'], { OSTLER_DATA_DIR: join(folder, 'plain', 'data') });
  expect(ill).toMatchObject({ code: 1, stdout: expect.stringMatching(/^ERROR {4}data: .*plain\/data cannot be used: /m) });
});

test('doctor tells what answers on the socket without being an agent from no agent at all', async () => {
  const socket = join(folder, 'other.sock');
  const other = createServer((_, response) => response.writeHead(404).end('hello')).listen(socket);
  try {
    const { code, stdout } = await ostler(['doctor', '--socket', socket]);
    expect([code, stdout]).toEqual([1, expect.stringMatching(/^ERROR {4}agent: what answers on .*other\.sock is no ostler agent/m)]);
  } finally {
    other.close();
  }
});
