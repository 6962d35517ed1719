import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import dockerPlugin from '@ostler/runtime-docker';
import type { EngineFacts, RuntimeDriver } from '@ostler/sdk';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { withCore } from '../src/compose/fixtures/imported.ts';
import { run } from '../src/fixtures/command.ts';

/** Compose files after stacks that people run, each with the host file that it becomes. */
const stacksFolder = fileURLToPath(new URL('./fixtures/compose/', import.meta.url));
const stacks = readdirSync(stacksFolder);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ostler-stack-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** In a folder named as the stack, as Compose would call the project. */
async function importStack(stack: string) {
  const here = join(folder, stack);
  cpSync(join(stacksFolder, stack), here, { recursive: true });
  rmSync(join(here, 'expected.yaml'), { force: true });
  return { here, ...(await run(['import', 'compose'], { cwd: here, env: { HOME: '/home/ann' } })) };
}

/** Without what depends on the machine: which folders of the host there are. */
const stable = (text: string): string => text.replace(/^# - volumes \([^)]*\): what is mounted must be there.*\n(?:# {3}.*\n)*/m, '');

describe.each(stacks)('%s', (stack) => {
  test('becomes the host file that is expected, and what is left out stands in it and on stderr', async () => {
    const { code, stdout, stderr } = await importStack(stack);
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    const path = join(stacksFolder, stack, 'expected.yaml');
    if (process.env['OSTLER_EXPECT'] === 'write') writeFileSync(path, stable(stdout));
    expect(stable(stdout)).toBe(readFileSync(path, 'utf8'));
    const items = stdout.split('\n').filter((line) => line.startsWith('# - ')).length;
    expect(stderr.split('\n').filter((line) => line.startsWith('  ')).length).toBe(items);
  });

  test('is a host file that ostler takes, with each of its profiles, and that no engine refuses', async () => {
    const { here, stdout } = await importStack(stack);
    const path = join(here, 'ostler.yaml');
    const { core, registry } = await withCore();
    writeFileSync(path, stdout);
    const profiles = Object.values((parse(stdout) as { workers: Record<string, { profiles?: string[] }> }).workers).flatMap((worker) => worker.profiles ?? []);
    for (const some of [[], ...[...new Set(profiles)].map((profile) => [profile])]) {
      const config = await core.checkWorkers(await core.readHostFile({ path, env: {} }), registry, { profiles: some });
      for (const [name, { written }] of Object.entries(config.workers)) {
        const { spec } = core.normalise(written, { name, runtime: 'docker', baseDir: here, registry });
        expect(driver.check(spec, facts).filter(({ level }) => level === 'refused')).toEqual([]);
      }
    }
  });
});

test('each stack has what it is expected to become', () => {
  expect(stacks.length).toBeGreaterThanOrEqual(12);
  expect(stacks.filter((stack) => !existsSync(join(stacksFolder, stack, 'expected.yaml')))).toEqual([]);
});

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const given = { config: dockerPlugin.config?.parse({}), log: quiet, folders: { state: '/nonexistent', secrets: () => '/nonexistent' } };
const driver = dockerPlugin.setup(given as never, { onStart() {}, onStop() {} }).runtimes!['docker'] as RuntimeDriver;

/** An engine that has and holds everything. */
const facts = {
  version: '29.0.0',
  limits: { memory: 'enforced', cpu: 'enforced', pids: 'enforced', gpuMemory: 'none' },
  gpus: ['0', '1', 'GPU-8ef3'].map((id) => ({ id, name: 'a GPU', memoryBytes: 2 ** 33 })),
  notes: [],
} as unknown as EngineFacts;
