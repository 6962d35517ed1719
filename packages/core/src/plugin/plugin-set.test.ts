import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { definePlugin, type Json } from '@ostler/sdk';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type CoreClock, systemClock } from '../base/clock.ts';
import type { AgentLogger } from '../base/logger.ts';
import { isProblem, type Problem } from '../base/problem.ts';
import { loadPlugins, type PluginSet } from './index.ts';

const sdk = fileURLToPath(import.meta.resolve('@ostler/sdk'));
const head = `import { definePlugin } from ${JSON.stringify(sdk)};\nimport { z } from ${JSON.stringify(fileURLToPath(import.meta.resolve('zod')))};\n`;
const log: AgentLogger = { debug() {}, info() {}, warn() {}, error() {}, close() {}, child: () => log };
const uid = process.getuid?.() ?? 0;
/** A hundred times as fast: the start of a plugin has 30 s. */
const hurried: CoreClock = { ...systemClock, after: (ms, run) => systemClock.after(ms / 100, run) };
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
    ...{ builtins: [], ownFolder: folder, uid, importMs: 300 },
  });
const setUp = async (...uses: Parameters<typeof load>) => {
  const set = await load(...uses);
  return set.setUp({ log, clock: hurried, dataDir: folder, secretsDir: null, uid, identity: { id: 'a', host: 'h' }, inPlugin: (_, run) => run() });
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
    ['waits for ever at its top level', 'await new Promise(() => {}); export default {};', /not loaded within/],
    [
      'names a kind that does not exist',
      `export default definePlugin({ id: 'x', api: 1, contributes: { runtime: {} }, setup: () => ({}) });`,
      /did you mean `runtimes`/,
    ],
    ['has no id', `export default definePlugin({ api: 1, contributes: {}, setup: () => ({}) });`, /has no id/],
    [
      'gives its runtime no schema',
      `export default definePlugin({ id: 'x', api: 1, contributes: { runtimes: { a: { class: 'process' } } }, setup: () => ({}) });`,
      /runtimes\.a has no schema/,
    ],
    ['is for another version', `export default definePlugin({ id: 'x', api: 2, contributes: {}, setup: () => ({}) });`, /version 2.*version 1/],
  ])('one that %s is refused by name', async (_, code, says) => {
    install('ostler-x', code);
    const problem = await refused(load('ostler-x'));
    expect(problem.message).toMatch(says);
    expect(problem.message).toContain('ostler-x');
  });
  test('a name that is nearly that of an installed package is answered with it, and a folder is no name', async () => {
    install('@acme/ostler-wasm', runtime('w', 'wasm'));
    expect((await refused(load('@acme/ostler-wams'))).hint).toContain('did you mean @acme/ostler-wasm');
    write('package.json', JSON.stringify({ name: 'around', main: 'gone.js' }));
    mkdirSync(join(folder, 'node_modules'), { recursive: true });
    expect(await refused(load('..'))).toMatchObject({ code: 'plugin-not-installed' });
  });
  test('two whose ids give one state folder are refused, for each would find the files of the other', async () => {
    install('one', runtime('@acme/store', 'alpha'));
    install('two', runtime('acme-store', 'beta'));
    expect((await refused(load('one', 'two'))).message).toMatch(/state folder acme-store.*@acme\/store.*acme-store/);
  });
  test('one that comes with ostler is configured by its name and needs no installation', async () => {
    const builtin = definePlugin({ id: '@ostler/own', api: 1, config: z.strictObject({ binary: z.string() }), contributes: {}, setup: () => ({}) });
    const set = await loadPlugins({
      ...{ ownFolder: folder, uid, builtins: [{ plugin: builtin, from: folder, release: '9' }] },
      uses: [{ use: '@ostler/own', config: { binary: 'b' }, baseDir: folder, place: { file: 'f', line: 1, column: 1 } }],
    });
    expect(set.loaded).toMatchObject([{ config: { binary: 'b' }, release: '9' }]);
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
    ['returns a promise that fails', `setup: async () => { throw new Error('too late') }`, /returned a promise/],
    ['returns no driver', `setup: () => ({ runtimes: { bad: undefined } })`, /nothing that could be used for runtimes\.bad/],
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
  test('what is to run at the start begins after every setup, and one that hangs or throws is named while the others run', async () => {
    (globalThis as Record<string, unknown>)['began'] = [];
    const starting = (id: string, run: string) =>
      install(
        id,
        `export default definePlugin({ id: '${id}', api: 1, contributes: {}, setup(_, life) { began.push('setup ${id}'); life.onStart(${run}); return {}; } });`,
      );
    starting('hangs', `(signal) => { signal.onabort = () => began.push('told'); return new Promise(() => {}); }`);
    starting('throws', `() => { throw new Error('no daemon'); }`);
    starting('works', `async () => void began.push('start works')`);
    const up = await setUp('hangs', 'throws', 'works');
    expect((globalThis as Record<string, unknown>)['began']).toEqual(['setup hangs', 'setup throws', 'setup works', 'start works', 'told']);
    expect(up.failures.map(({ code, plugin }) => [code, plugin])).toEqual([
      ['plugin-setup-failed', 'throws'],
      ['plugin-setup-timeout', 'hangs'],
    ]);
    expect(up.list().map(({ id, state }) => [id, state])).toEqual([
      ['hangs', 'failed'],
      ['throws', 'failed'],
      ['works', 'ready'],
    ]);
    await up.stop();
  });
  test('folders are its own, and secrets are refused where the host has no memory for them', async () => {
    install(
      'keeps',
      `import { Folders } from ${JSON.stringify(sdk)}; import { writeFileSync } from 'node:fs';
       export default definePlugin({ id: '@acme/keeps', api: 1, contributes: {}, needs: { folders: Folders },
         setup({ folders }) { writeFileSync(folders.state + '/x', ''); folders.secrets(); return {}; } });`,
    );
    const up = await setUp('keeps');
    expect(existsSync(join(folder, 'plugins/acme-keeps/x'))).toBe(true);
    expect(statSync(join(folder, 'plugins/acme-keeps')).mode & 0o777).toBe(0o700);
    expect(up.failures[0]?.message).toMatch(/no tmpfs/);
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
