import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Json } from '@ostler/sdk';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../base/clock.ts';
import type { AgentLogger } from '../base/logger.ts';
import { isProblem, type Problem } from '../base/problem.ts';
import { loadPlugins, type PluginSet } from './index.ts';

const sdk = fileURLToPath(import.meta.resolve('@ostler/sdk'));
const head = `import { definePlugin } from ${JSON.stringify(sdk)};\nimport { z } from ${JSON.stringify(fileURLToPath(import.meta.resolve('zod')))};\n`;
const log: AgentLogger = { debug() {}, info() {}, warn() {}, error() {}, close() {}, child: () => log };
const uid = process.getuid?.() ?? 0;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ostler-plugins-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text, { mode: 0o644 });
}
/** An installed package that offers an import only, as most are published now. */
function install(name: string, code: string): void {
  write(`node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.2.3', type: 'module', exports: { '.': { import: './plugin.js' } } }));
  write(`node_modules/${name}/plugin.js`, head + code);
}
const runtime = (id: string, name: string, rest = '') =>
  `export default definePlugin({ id: '${id}', api: 1, contributes: { runtimes: { ${name}: { class: 'process', options: z.strictObject({}) } } },
     setup: () => ({ runtimes: { ${name}: { restarts: 'agent', close: async () => {} } } }) ${rest} });`;
const load = (...uses: (string | [string, Json])[]): Promise<PluginSet> =>
  loadPlugins({
    uses: uses.map((use) => {
      const [name, config] = typeof use === 'string' ? [use, {}] : use;
      return { use: name, config, baseDir: folder, place: { file: join(folder, 'ostler.yaml'), line: 3, column: 5 } };
    }),
    ...{ builtins: [], ownFolder: folder, uid },
  });
const setUp = async (...uses: Parameters<typeof load>) => {
  const set = await load(...uses);
  return set.setUp({ log, clock: systemClock, dataDir: folder, secretsDir: null, uid, identity: { id: 'a', host: 'h' }, inPlugin: (_, run) => run() });
};
async function refused(work: Promise<unknown>): Promise<Problem> {
  const error = await work.then(
    () => new Error('it was not refused'),
    (thrown: unknown) => thrown,
  );
  if (!isProblem(error)) throw error;
  return error;
}

describe('loading', () => {
  test('a package that offers an import only, and a file beside the host file, bring their runtimes', async () => {
    install('ostler-runtime-a', runtime('a', 'alpha'));
    write('own.ts', `${head}${runtime('b', 'beta')}\nexport type Unused = string;`);
    const set = await load('ostler-runtime-a', join(folder, 'own.ts'));
    expect([...set.registry.runtimes.keys()]).toEqual(['alpha', 'beta']);
    expect(set.loaded.map(({ release }) => release)).toEqual(['1.2.3', null]);
  });
  test('one that is not installed is named with the command that installs it', async () => {
    expect(await refused(load('ostler-runtime-x'))).toMatchObject({
      code: 'plugin-not-installed',
      hint: expect.stringContaining('npm install ostler-runtime-x'),
      place: { line: 3 },
    });
  });
  test.each([
    ['exports something else', 'export default { id: "x" };', /was not made by definePlugin/],
    ['throws', 'throw new Error("no GPU here");', /no GPU here/],
    ['is for another version', `export default definePlugin({ id: 'x', api: 2, contributes: {}, setup: () => ({}) });`, /version 2.*version 1/],
  ])('one that %s is refused by name', async (_, code, says) => {
    install('ostler-x', code);
    const problem = await refused(load('ostler-x'));
    expect(problem.message).toMatch(says);
    expect(problem.message).toContain('ostler-x');
  });
  test('two of one id, and two that bring one name, are refused, naming both', async () => {
    install('one', runtime('same', 'alpha'));
    install('two', runtime('same', 'beta'));
    install('three', runtime('other', 'alpha'));
    expect((await refused(load('one', 'two'))).message).toMatch(/id same.*one.*two/);
    expect((await refused(load('one', 'three'))).message).toMatch(/runtime `alpha`.*same.*other/);
  });
  test('a config that does not fit the schema of the plugin is refused with its path', async () => {
    install('strict', runtime('strict', 'alpha', `, config: z.strictObject({ binary: z.string() })`));
    expect((await refused(load(['strict', { binary: 3 }]))).message).toMatch(/strict: binary: /);
    install('none', runtime('none', 'beta'));
    expect((await refused(load(['none', { a: 1 }]))).message).toContain('takes none');
  });
  test('code that others could change is not run', async () => {
    write('own.ts', head + runtime('b', 'beta'));
    const { chmodSync } = await import('node:fs');
    chmodSync(join(folder, 'own.ts'), 0o666);
    expect(await refused(load(join(folder, 'own.ts')))).toMatchObject({ code: 'host-file-untrusted' });
  });
});

describe('setting up', () => {
  test.each([
    ['throws', `setup() { throw new Error('licence expired'); }`, /setup: licence expired/],
    ['returns a promise', `setup: async () => ({ runtimes: { bad: {} } })`, /returned a promise/],
    ['forgets what it declares', `setup: () => ({})`, /did not return runtimes\.bad/],
    ['brings more than it declares', `setup: () => ({ runtimes: { bad: { close: async () => {} }, more: {} } })`, /returned runtimes\.more/],
    ['needs what nobody has', `needs: { x: Symbol.for('nobody/has') }, setup: () => ({ runtimes: { bad: { close: async () => {} } } })`, /needs nobody\/has/],
  ])('a plugin whose setup %s is reported by name, and the others run', async (_, code, says) => {
    install('good', runtime('good', 'alpha'));
    install(
      'bad',
      `export default definePlugin({ id: 'bad', api: 1, contributes: { runtimes: { bad: { class: 'process', options: z.strictObject({}) } } }, ${code} });`,
    );
    const up = await setUp('good', 'bad');
    expect([...up.runtimes.keys()]).toEqual(['alpha']);
    expect(up.failures.map(({ plugin }) => plugin)).toEqual(['bad']);
    expect(up.list().find(({ id }) => id === 'bad')).toMatchObject({ state: 'failed', problem: expect.stringMatching(says) });
    await up.stop();
  });
  test('is undone last first, drivers before all, also of a plugin that failed', async () => {
    (globalThis as Record<string, unknown>)['undone'] = [];
    install(
      'good',
      `export default definePlugin({ id: 'good', api: 1, contributes: { runtimes: { alpha: { class: 'process', options: z.strictObject({}) } } },
        setup(_, life) { life.onStop(async () => void undone.push('first')); life.onStop(async () => void undone.push('second'));
          return { runtimes: { alpha: { restarts: 'agent', close: async () => void undone.push('driver') } } }; } });`,
    );
    install(
      'bad',
      `export default definePlugin({ id: 'bad', api: 1, contributes: {}, setup(_, life) { life.onStop(async () => void undone.push('bad')); throw new Error('x'); } });`,
    );
    const up = await setUp('good', 'bad');
    await up.stop();
    expect((globalThis as Record<string, unknown>)['undone']).toEqual(['driver', 'bad', 'second', 'first']);
  });
});
