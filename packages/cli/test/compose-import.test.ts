import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parse } from 'yaml';
import { run } from '../src/fixtures/command.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ostler-import-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const compose = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  run(['import', 'compose', ...args], { cwd: folder, env: { HOME: folder, ...env } });
function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}
const small = 'services: {web: {image: nginx, restart: always, volumes: ["./html:/html:ro"]}}\n';

test('the host file goes to stdout, what is to be said to stderr, and nothing is written', async () => {
  write({ 'c.yaml': small, 'html/index.html': '' });
  const { code, stdout, stderr } = await compose(['c.yaml']);
  expect([code, (parse(stdout) as { workers: unknown }).workers]).toEqual([
    0,
    { web: { runtime: 'docker', image: 'nginx', mounts: [{ from: './html', to: '/html', readOnly: true }] } },
  ]);
  expect(stderr).toMatch(/^carried over, but look at it:\n {2}defaults /);
  expect(readdirSync(folder).sort()).toEqual(['c.yaml', 'html']);
  expect((await compose(['c.yaml', '--quiet'])).stderr).toBe('');
});

test('--out writes the file, its paths against its own folder, and never over one that is there', async () => {
  write({ 'c.yaml': small, 'html/index.html': '', 'there.yaml': 'mine' });
  const wrote = await compose(['c.yaml', '--out', 'hosts/mini.yaml']);
  expect([wrote.code, wrote.stdout]).toEqual([0, `wrote ${join(folder, 'hosts/mini.yaml')}: 1 worker\n`]);
  expect(readFileSync(join(folder, 'hosts/mini.yaml'), 'utf8')).toContain('from: ../html');
  for (const name of ['there.yaml', 'hosts/mini.yaml']) {
    const { code, stdout, stderr } = await compose(['c.yaml', '--out', name]);
    expect([code, stdout, stderr]).toEqual([1, '', expect.stringMatching(/is there already; nothing was written\n {2}.*--force\n$/)]);
  }
  expect(readFileSync(join(folder, 'there.yaml'), 'utf8')).toBe('mine');
  expect((await compose(['c.yaml', '--out', 'there.yaml', '--force'])).code).toBe(0);
  expect(readFileSync(join(folder, 'there.yaml'), 'utf8')).toContain('workers:');
  expect((await compose(['c.yaml', '--out', 'html'])).stderr).toContain('is a folder');
  expect(readdirSync(folder).sort()).toEqual(['c.yaml', 'hosts', 'html', 'there.yaml']);
});

test('a file that is not valid leaves nothing behind, and says each thing that is wrong', async () => {
  write({ 'c.yaml': 'services:\n  web: {imagee: x, image: nginx, depends_on: [db]}\n' });
  const { code, stdout, stderr } = await compose(['c.yaml', '--out', 'new.yaml']);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toBe(
    `${folder}/c.yaml:2:9: unknown field \`imagee\` in services.web\n  Did you mean \`image\`?\n${folder}/c.yaml:2:47: services.web.depends_on.db: there is no service \`db\`\n  There are no other services.\n`,
  );
  expect(readdirSync(folder)).toEqual(['c.yaml']);
  const json = await compose(['c.yaml', '--json']);
  expect([json.code, json.stderr]).toEqual([2, '']);
  expect(JSON.parse(json.stdout)).toMatchObject({
    version: 1,
    error: { code: 'compose-file-invalid', exitCode: 2, place: { line: 2, column: 9 }, others: [{}] },
  });
});

test('--json is one document with the text and all that was left out', async () => {
  write({ 'c.yaml': 'services: {web: {image: nginx, mac_address: "02:00:00:00:00:01"}}\n' });
  const { code, stdout, stderr } = await compose(['c.yaml', '--json']);
  const document = JSON.parse(stdout) as Readonly<Record<string, unknown>>;
  expect([code, stderr]).toEqual([0, '']);
  expect(document).toMatchObject({ version: 1, hostFile: null, workers: ['web'], files: [join(folder, 'c.yaml')], unread: null });
  expect(document['text']).toMatch(/^# From c\.yaml/);
  expect(document['left']).toEqual([
    { of: 'web', field: 'mac_address', text: expect.any(String) as string, file: join(folder, 'c.yaml'), line: 1, column: 32 },
  ]);
});

test('without a file, or with a folder, it reads what Compose would', async () => {
  write({ 'compose.yaml': 'services: {a: {image: i}}\n', 'compose.override.yaml': 'services: {b: {image: i}}\n', 'docker-compose.yml': 'no' });
  expect(Object.keys((parse((await compose([])).stdout) as { workers: object }).workers)).toEqual(['a', 'b']);
  expect(Object.keys((parse((await compose([folder])).stdout) as { workers: object }).workers)).toEqual(['a', 'b']);
  const one = await compose(['compose.yaml']);
  expect(Object.keys((parse(one.stdout) as { workers: object }).workers)).toEqual(['a']);
  expect(one.stderr).toContain('compose.override.yaml was not read');
  rmSync(join(folder, 'compose.yaml'));
  rmSync(join(folder, 'docker-compose.yml'));
  expect(await compose([])).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('has no Compose file') as string });
});

test('the project, the env file and the runtime can be named', async () => {
  write({ 'c.yaml': 'services: {web: {image: "i:${V}", volumes: ["v:/v"]}}\nvolumes: {v: }\n', 'other.env': 'V=1\n' });
  const { stdout } = await compose(['c.yaml', '--env-file', 'other.env', '--project-name', 'Shop', '--runtime', 'podman']);
  expect(stdout).toMatch(/\(Compose project shop\)/);
  expect(stdout.replaceAll(/\n# {3}/g, ' ')).toContain('shop_v -> ostler_v');
  expect(parse(stdout)).toMatchObject({ varsFiles: './other.env', workers: { web: { runtime: 'podman' } } });
});

test('what an env file sets is not taken for what the environment sets, though Node reads that file as well', async () => {
  write({ 'c.yaml': 'services: {web: {image: "i:${A}${B}"}}\n', 'other.env': 'H=h\nA=${H}\nB=b\n' });
  const { stdout } = await compose(['c.yaml', '--env-file', 'other.env']);
  expect(parse(stdout)).toMatchObject({ varsFiles: './other.env', vars: { A: '${H}' } });
  expect(parse((await compose(['c.yaml', '--env-file', 'other.env'], { B: 'outside' })).stdout)).toMatchObject({ vars: { B: { env: 'B' } } });
});

test('wrong usage is one clear error', async () => {
  write({ 'c.yaml': small });
  const cases: [string[], RegExp][] = [
    [['import'], /missing required argument 'form'/],
    [['import', 'nomad', 'x'], /nothing to import from `nomad`\n {2}write `ostler import compose FILE…`/],
    [['import', 'compose', 'none.yaml'], /none\.yaml does not exist/],
    [['import', 'compose', 'c.yaml', '--runtime', 'kata'], /expected docker or podman/],
  ];
  for (const [args, said] of cases) {
    const { code, stdout, stderr } = await run(args, { cwd: folder });
    expect({ args, code, stdout, stderr }).toEqual({ args, code: 2, stdout: '', stderr: expect.stringMatching(said) as string });
  }
  // Node reads a file of that option too, before it runs anything, and ends by itself where there is none.
  const none = await compose(['c.yaml', '--env-file', 'none.env']);
  expect([none.code === 0, none.stdout, none.stderr]).toEqual([false, '', expect.stringContaining('none.env')]);
  spawnSync('mkfifo', [join(folder, 'pipe.yaml')]);
  expect((await compose(['pipe.yaml'])).stderr).toContain('is no regular file');
});

test('a host file that cannot be written is told, and leaves nothing', async () => {
  write({ 'c.yaml': small, plain: '' });
  const { code, stderr } = await compose(['c.yaml', '--out', 'plain/x.yaml']);
  expect([code, stderr]).toEqual([1, expect.stringContaining('plain/x.yaml cannot be written')]);
  expect(readdirSync(folder).sort()).toEqual(['c.yaml', 'plain']);
});
