import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startTestAgent, type TestAgent, waitFor } from '@ostler/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const abilities = JSON.parse(process.env['OSTLER_ABILITIES'] ?? '{}') as Readonly<Record<string, string | null>>;
const sdk = fileURLToPath(import.meta.resolve('@ostler/sdk'));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ostler-bad-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function ostler(args: readonly string[], files: Readonly<Record<string, string>> = {}) {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--conditions=@ostler/source', main, ...args], {
    cwd: folder,
    env: { ...process.env, OSTLER_DATA_DIR: join(folder, 'data'), HOME: folder, XDG_CONFIG_HOME: join(folder, 'config'), NO_COLOR: '1' },
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { status, stdout, stderr: stderr.replaceAll(folder, '.') };
}
const workers = (fields: object) => ({ 'ostler.yaml': JSON.stringify({ ostler: 1, workers: { web: { runtime: 'native', command: ['true'], ...fields } } }) });
const plugin = (id: string, api: number, runtime: string) => `import { definePlugin } from ${JSON.stringify(sdk)};
export default definePlugin({ id: '${id}', api: ${api}, contributes: { runtimes: { ${runtime}: { class: 'process', options: { safeParse: (data) => ({ success: true, data }) } } } },
  setup: () => ({ runtimes: { ${runtime}: { close: async () => {}, facts: async () => { throw new Error('none'); } } } }) });`;

describe('a host file that cannot be used ends with 2, and says where and what', () => {
  test('none', () => {
    const { status, stderr } = ostler(['check']);
    expect([status, stderr]).toEqual([2, expect.stringContaining('no host file: looked for hosts/')]);
    expect(stderr).toContain('ostler init');
  });
  test.each<[string, string, RegExp]>([
    ['empty', '', /^\.\/ostler\.yaml:1:1: the host file is empty/],
    ['not YAML', 'workers: {web: [', /^\.\/ostler\.yaml:1:\d+: /],
    [
      'an unknown field',
      'workers:\n  web:\n    comand: [true]\n',
      /^\.\/ostler\.yaml:3:5: unknown field `comand` in workers\.web\n {2}Did you mean `command`\?/,
    ],
    [
      'an unknown runtime',
      'workers:\n  web:\n    runtime: natve\n    command: x\n',
      /ostler\.yaml:3:14: .*no loaded plugin brings the runtime `natve`.*\n {2}Did you mean `native`\?/,
    ],
  ])('%s', (_, text, says) => {
    const { status, stderr } = ostler(['check'], { 'ostler.yaml': text });
    expect([status, stderr]).toEqual([2, expect.stringMatching(says)]);
  });
  test('a plugin that is not installed: the package and the command', () => {
    const { status, stderr } = ostler(['check'], { 'ostler.yaml': 'plugins: ["ostler-runtime-x"]\nworkers: {}\n' });
    expect([status, stderr]).toEqual([
      2,
      expect.stringMatching(/ostler\.yaml:1:11: the plugin ostler-runtime-x is not installed.*\n {2}npm install ostler-runtime-x/),
    ]);
  });
  test('a plugin of another version of the contract', () => {
    const { status, stderr } = ostler(['check'], { 'ostler.yaml': 'plugins: [./p.mjs]\nworkers: {}\n', 'p.mjs': plugin('p', 7, 'wasm') });
    expect([status, stderr]).toEqual([2, expect.stringContaining('version 7 of the plugin contract; this ostler speaks version 1')]);
  });
  test('two plugins that bring one name', () => {
    const { status, stderr } = ostler(['check'], { 'ostler.yaml': 'plugins: [./p.mjs]\nworkers: {}\n', 'p.mjs': plugin('p', 1, 'native') });
    expect([status, stderr]).toEqual([2, expect.stringContaining('the runtime `native` is brought by @ostler/runtime-native and by p')]);
  });
});

describe('what this host cannot run is refused with 1, before anything is touched', () => {
  test.each<[string, object, RegExp]>([
    ['a command that does not exist', { command: ['no-such-program-here'] }, /no-such-program-here/],
    ['a command that is not executable', { command: ['./plain.txt'] }, /plain\.txt/],
    ['a missing working directory', { workingDir: 'nowhere' }, /nowhere/],
    ['an unknown user', { user: 'nobody-of-that-name' }, /nobody-of-that-name/],
  ])('%s', (_, fields, says) => {
    for (const verb of [['check'], ['up', '--detach']]) {
      const { status, stderr } = ostler(verb, { ...workers(fields), 'plain.txt': 'x' });
      expect([verb, status, stderr]).toEqual([verb, 1, expect.stringMatching(says)]);
    }
  });
  test('a port in use', async () => {
    const { createServer } = await import('node:net');
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    for (const verb of [['check'], ['up', '--detach']]) {
      const { status, stderr } = ostler(verb, workers({ ports: [`${port}:${port}`] }));
      expect([verb, status, stderr]).toEqual([verb, 1, expect.stringContaining(`port ${port} on 127.0.0.1 cannot be listened on: it is in use`)]);
    }
    server.close();
  });
  test.runIf(abilities['tmpfs-mount'] === null && process.getuid?.() === 0).each(['up --detach', 'serve'])('a data directory on a full disk: %s', (verb) => {
    mkdirSync(join(folder, 'full'));
    ostler(['schema'], workers({}));
    const fill = `mount -t tmpfs -o size=200k tmpfs ${folder}/full && dd if=/dev/zero of=${folder}/full/x bs=1k count=190 2>/dev/null; exec "$@"`;
    const command = [process.execPath, '--conditions=@ostler/source', main, ...verb.split(' '), '--data-dir', join(folder, 'full', 'data')];
    const { status, stderr } = spawnSync('unshare', ['--mount', 'sh', '-c', fill, 'sh', ...command], { cwd: folder, encoding: 'utf8', timeout: 60_000 });
    expect([status, stderr]).toEqual([1, expect.stringMatching(/the disk of the data directory \S+ is full[\s\S]*free some room/i)]);
  });
  test('a data directory that is a file', () => {
    const { status, stderr } = ostler(['serve', '--data-dir', 'plain.txt'], { ...workers({}), 'plain.txt': 'x' });
    expect([status, stderr]).toEqual([1, expect.stringContaining('plain.txt')]);
  });
});

describe('beside an agent', () => {
  const hostFile = {
    ostler: 1,
    host: 'test',
    workers: Object.fromEntries(['a', 'b', 'c'].map((name) => [name, { runtime: 'native', command: ['sleep', '1000'], health: { minUp: '100ms' } }])),
  };
  let agent: TestAgent;
  interface Ps {
    readonly workers: readonly { readonly name: string; readonly state: string; readonly native: { readonly pid: number | null } }[];
  }
  const pids = async () => ((await agent.ps()) as Ps).workers.map(({ native }) => native.pid);
  const running = () => waitFor('all run', async () => ((await agent.ps()) as Ps).workers.every(({ state }) => state === 'healthy') && pids());
  beforeEach(async () => {
    agent = await startTestAgent({ hostFile });
  });
  afterEach(async () => {
    await agent.request('POST', '/v1/down', { waitMs: 20_000 });
    await agent.stop();
  }, 60_000);

  test('a second one on its data directory, or on its socket, is refused and nothing is touched', { timeout: 60_000 }, async () => {
    const before = await running();
    const config = ['--config', join(agent.folder, 'ostler.yaml')];
    const second = ostler(['serve', ...config, '--data-dir', agent.dataDir, '--socket', join(folder, 'other.sock')]);
    expect([second.status, second.stderr]).toEqual([1, expect.stringContaining(`(pid ${agent.pid})`)]);
    const third = ostler(['serve', ...config, '--data-dir', join(folder, 'data'), '--socket', agent.socket]);
    expect([third.status, third.stderr]).toEqual([1, expect.stringContaining('an agent answers on')]);
    expect(existsSync(join(folder, 'data'))).toBe(false);
    expect(await pids()).toEqual(before);
  });

  test('a file that would remove most workers needs --allow-remove', { timeout: 60_000 }, async () => {
    const before = await running();
    writeFileSync(join(agent.folder, 'ostler.yaml'), JSON.stringify({ ...hostFile, workers: { a: hostFile.workers['a'] } }));
    const socket = ['--socket', agent.socket];
    const refused = ostler(['apply', ...socket]);
    expect([refused.status, refused.stderr]).toEqual([1, expect.stringMatching(/more than half of the workers: b, c\n {2}add --allow-remove/)]);
    expect(await pids()).toEqual(before);
    expect(ostler(['apply', '--allow-remove', ...socket]).status).toBe(0);
    expect(await pids()).toEqual([before[0]]);
  });

  test('one that cannot be read changes nothing, is told by doctor, and a restart of the agent goes on with what was applied', {
    timeout: 60_000,
  }, async () => {
    const before = await running();
    writeFileSync(join(agent.folder, 'ostler.yaml'), 'workers: {');
    await waitFor('doctor tells it', async () =>
      JSON.stringify((await agent.request('GET', '/v1/doctor')).body).includes('the saved host file cannot be used'),
    );
    const applied = ostler(['apply', '--socket', agent.socket]);
    expect([applied.status, applied.stderr]).toEqual([2, expect.stringContaining('ostler.yaml:1:')]);
    await agent.kill9();
    await agent.restart();
    expect(await pids()).toEqual(before);
  });

  test('a damaged store is set aside, its workers are taken over from what their holders know, and nothing is started twice', { timeout: 60_000 }, async () => {
    const before = await running();
    await agent.kill9();
    for (const name of readdirSync(agent.dataDir)) if (/^state\.db-/.test(name)) rmSync(join(agent.dataDir, name));
    writeFileSync(join(agent.dataDir, 'state.db'), Buffer.alloc(8192, 'x'));
    await agent.restart();
    expect(await pids()).toEqual(before);
    expect(readdirSync(agent.dataDir).some((name) => name.startsWith('state.db.damaged'))).toBe(true);
    const { body } = await agent.request('POST', '/v1/plan', {});
    expect((body as { steps: { kind: string }[] }).steps.map(({ kind }) => kind)).toEqual(['keep', 'keep', 'keep']);
  });

  test('a store of a newer form is refused and left as it is', { timeout: 60_000 }, async () => {
    await running();
    await agent.kill9();
    const path = join(agent.dataDir, 'state.db');
    const { DatabaseSync } = await import('node:sqlite');
    const db = new DatabaseSync(path);
    const [{ user_version: form }] = db.prepare('PRAGMA user_version').all() as [{ user_version: number }];
    db.exec(`PRAGMA user_version = ${form + 1}`);
    db.close();
    const args = ['serve', '--config', join(agent.folder, 'ostler.yaml'), '--data-dir', agent.dataDir, '--socket', agent.socket];
    const { status, stderr } = ostler(args);
    expect([status, stderr]).toEqual([1, expect.stringMatching(/newer/)]);
    const again = new DatabaseSync(path);
    again.exec(`PRAGMA user_version = ${form}`);
    again.close();
    await agent.restart();
  });

  test('the socket of a dead agent is taken over', { timeout: 60_000 }, async () => {
    await running();
    await agent.kill9();
    expect(readdirSync(agent.folder)).toContain('agent.sock');
    await agent.restart();
    expect((await agent.request('GET', '/v1/agent')).status).toBe(200);
  });
});
