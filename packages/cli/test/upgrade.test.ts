import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startTestAgent, type TestAgent } from '@ostler/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const fixtures = fileURLToPath(new URL('./fixtures/upgrade', import.meta.url));
const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url));
const forms = readdirSync(fixtures, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));

let folder: string;
let agent: TestAgent | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ostler-upgrade-'));
});
afterEach(async () => {
  await agent?.stop();
  agent = undefined;
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

/** A data directory and a host file as an agent of this form left them. */
async function comeBack(form: string, over: (plugin: string) => void = () => {}): Promise<TestAgent> {
  const left = join(fixtures, form);
  const dataDir = join(folder, 'data');
  mkdirSync(dataDir, { mode: 0o700 });
  for (const name of ['state.db', 'agent.key', 'agent.id']) copyFileSync(join(left, name), join(dataDir, name));
  const plugin = join(folder, 'node_modules', 'ostler-runtime-script');
  mkdirSync(plugin, { recursive: true });
  const [tarball] = readdirSync(left).filter((name) => name.endsWith('.tgz'));
  execFileSync('tar', ['xzf', join(left, tarball!), '-C', plugin, '--strip-components=1']);
  for (const name of ['@ostler', 'zod']) symlinkSync(join(modules, name), join(folder, 'node_modules', name));
  over(plugin);
  for (const name of ['third.js', 'key.txt']) cpSync(join(left, name), join(folder, name));
  chmodSync(join(folder, 'key.txt'), 0o600);
  const hostFile = readFileSync(join(left, 'ostler.yaml'), 'utf8');
  writeFileSync(join(folder, 'ostler.yaml'), hostFile);
  // The host file lies in a folder of its own, as it did: the agent is told of it by --config.
  return startTestAgent({ hostFile: '', dataDir, command: commandFor(join(folder, 'ostler.yaml')) });
}
/** The command with another host file than the one that the test agent writes: the last `--config` wins. */
const commandFor = (config: string): readonly string[] => [
  process.execPath,
  '--conditions=@ostler/source',
  '--import',
  `data:text/javascript,process.argv.push('--config', ${JSON.stringify(config)})`,
  fileURLToPath(new URL('../src/main.ts', import.meta.url)),
];

async function plan(): Promise<{ readonly kinds: Readonly<Record<string, string>>; readonly steps: unknown }> {
  const { status, body } = await agent!.request('POST', '/v1/plan', {});
  expect([status, status === 200 ? '' : body]).toEqual([200, '']);
  const { steps } = body as { steps: { worker: string; kind: string }[] };
  return { kinds: Object.fromEntries(steps.map(({ worker, kind }) => [worker, kind])), steps };
}
const kept = { nightly: 'keep', plain: 'keep', third: 'keep' };

describe.each(forms)('after an upgrade from form %s', (form) => {
  test('the plan is empty with the plugin as it was', { timeout: 60_000 }, async () => {
    agent = await comeBack(form);
    expect((await plan()).kinds).toEqual(kept);
  });
  test('the plan is empty with a newer plugin whose options and config have new defaults', { timeout: 60_000 }, async () => {
    agent = await comeBack(form, (plugin) => {
      const file = join(plugin, 'index.js');
      const text = readFileSync(file, 'utf8')
        .replace('z.strictObject({ file: z.string() })', "z.strictObject({ file: z.string(), mode: z.enum(['fast', 'safe']).default('safe') })")
        .replace("default('node') }", "default('node'), color: z.boolean().default(false) }");
      expect(text).toContain("default('safe')");
      writeFileSync(file, text);
      const manifest = JSON.parse(readFileSync(join(plugin, 'package.json'), 'utf8'));
      writeFileSync(join(plugin, 'package.json'), JSON.stringify({ ...manifest, version: '2.0.0' }));
    });
    expect((await plan()).kinds).toEqual(kept);
    const { body } = await agent.request('GET', '/v1/plugins');
    expect(JSON.stringify(body)).toContain('2.0.0');
  });
  test('a real difference is still one', { timeout: 60_000 }, async () => {
    agent = await comeBack(form);
    const file = join(folder, 'ostler.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace('LEVEL: info', 'LEVEL: debug'));
    expect((await plan()).kinds).toEqual({ ...kept, third: 'change' });
  });
});
