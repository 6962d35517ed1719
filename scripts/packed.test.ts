import { execFileSync, type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { build } from './install.mjs';
import { thisTree } from './planted.ts';

// What people get: the packed packages in an empty folder, under the oldest Node they may have and under the checkout's own.
const oldest = '22.18.0';
const isCommandThere = existsSync(join(thisTree, 'packages/cli/src/main.ts'));
const platform = `${process.platform}-${process.arch}`;
const holder = join(thisTree, 'packages', `holder-${platform}`);
/** Only Zig builds it; without it, as under --omit=optional, holder.sh serves. */
const isHolderBuilt = existsSync(holder) && spawnSync(process.execPath, [join(thisTree, 'scripts/cross-holder.mjs'), '--check', platform]).status === 0;
const packages = ['@ostler/sdk', '@ostler/process', '@ostler/core', '@ostler/runtime-native', '@ostler/runtime-docker', '@ostler/testkit', 'ostler'];

let root: string;
let home: string;
let nodeFolder: string;

const npm = (args: readonly string[], cwd: string) =>
  execFileSync('npm', [...args, '--loglevel=error'], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

function pack(cwd: string, args: readonly string[], to: string): string[] {
  npm(['pack', ...args, '--pack-destination', to], cwd);
  return readdirSync(to).map((name) => join(to, name));
}

/** Folder with the `node` of a version; kept until the dependencies are installed anew. */
function nodeOf(version: string): string {
  const name = `node-${process.platform}-${process.arch}`;
  const prefix = join(thisTree, 'node_modules/.cache', `node-${version}`);
  const bin = join(prefix, 'node_modules', name, 'bin');
  if (!existsSync(join(bin, 'node'))) npm(['install', '--prefix', prefix, '--no-package-lock', `${name}@${version}`], thisTree);
  return bin;
}

beforeAll(() => {
  if (!isCommandThere) return;
  root = realpathSync(mkdtempSync(join(tmpdir(), 'ostler-packed-')));
  const tarballs = join(root, 'tarballs');
  const plugin = join(root, 'plugin');
  mkdirSync(tarballs);
  build('./packages/*');
  cpSync(join(thisTree, 'scripts/fixtures/third-party-runtime'), plugin, { recursive: true });
  pack(
    thisTree,
    packages.flatMap((name) => ['-w', name]),
    tarballs,
  );
  if (isHolderBuilt) pack(holder, [], tarballs);
  const files = pack(plugin, [], tarballs);
  expect(files).toHaveLength(packages.length + (isHolderBuilt ? 2 : 1));
  writeFileSync(join(root, 'package.json'), JSON.stringify({ name: 'somebody', private: true, type: 'module' }));
  npm(['install', '--no-package-lock', '--omit=peer', 'zod', ...files], root);
}, 300_000);
afterAll(() => {
  if (root) rmSync(root, { recursive: true, force: true });
});

beforeEach(() => {
  if (isCommandThere) home = mkdtempSync(join(root, 'home-'));
});
afterEach(() => {
  if (isCommandThere && nodeFolder) ostler(['down', '--agent']);
});

function ostler(args: readonly string[]): SpawnSyncReturns<string> {
  const env = {
    PATH: `${nodeFolder}:/usr/local/bin:/usr/bin:/bin`,
    HOME: home,
    OSTLER_DATA_DIR: join(home, 'data'),
    NO_COLOR: '1',
  };
  return spawnSync(join(root, 'node_modules/.bin/ostler'), args, { cwd: home, env, encoding: 'utf8', timeout: 150_000 });
}

function succeeds(args: readonly string[]): string {
  const { status, stdout, stderr, error } = ostler(args);
  expect({ status, error, said: status === 0 ? '' : stdout + stderr }).toEqual({ status: 0, error: undefined, said: '' });
  return stdout;
}

interface Shown {
  readonly workers: readonly { readonly name: string; readonly runtime: string; readonly state: string; readonly native: { readonly pid: number } }[];
}

const isAlive = (pid: number) => {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

const hostFile = `ostler: 1
host: packed
plugins: [ostler-runtime-script]
workers:
  plain:
    runtime: native
    command: [node, -e, "setInterval(() => {}, 1000)"]
    health: { exec: [test, -d, /], interval: 1s }
  third:
    runtime: script
    script: { file: third.js }
    health: { exec: [test, -e, third.ready], interval: 1s }
`;

test.runIf(isCommandThere)('each package carries its licence and what its manifest names, no tests and no sources', () => {
  for (const name of packages) {
    const folder = join(root, 'node_modules', name);
    expect(existsSync(join(folder, 'LICENSE')), `${name}: LICENSE`).toBe(true);
    expect(existsSync(join(folder, 'README.md')), `${name}: README.md`).toBe(true);
    const files = readdirSync(folder, { recursive: true }).map(String);
    expect(files.filter((file) => !file.startsWith('node_modules') && /\.test\.|^src\//.test(file))).toEqual([]);
  }
});

test('a package of a holder that was not built is not packed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ostler-unbuilt-'));
  try {
    for (const name of ['scripts', 'packages/holder-linux-x64/package.json', 'LICENSE']) cpSync(join(thisTree, name), join(folder, name), { recursive: true });
    for (const name of ['holder', 'launcher']) mkdirSync(join(folder, 'packages/process', name), { recursive: true });
    const run = spawnSync('npm', ['pack', '--dry-run'], { cwd: join(folder, 'packages/holder-linux-x64'), encoding: 'utf8' });
    expect(run.status).not.toBe(0);
    expect(run.stdout + run.stderr).toContain('The holder for linux-x64 may not be packed: it is not built.');
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 60_000);

test.runIf(isCommandThere).each([`Node ${oldest}`, 'the checkout’s own Node'])(
  'init, up, ps and a third-party runtime work from the packed packages under %s',
  (name) => {
    nodeFolder = name.includes(oldest) ? nodeOf(oldest) : dirname(process.execPath);
    expect(execFileSync(join(nodeFolder, 'node'), ['--version'], { encoding: 'utf8' }).trim()).toBe(name.includes(oldest) ? `v${oldest}` : process.version);

    succeeds(['init']);
    const written = readdirSync(home).filter((file) => file.startsWith('ostler.'));
    expect(written).toEqual(['ostler.yaml']);
    succeeds(['check']);

    // The plugin is looked for from the host file's folder upward, as Node looks for any package.
    writeFileSync(join(home, 'ostler.yaml'), hostFile);
    writeFileSync(join(home, 'third.js'), "import('node:fs').then((fs) => fs.writeFileSync('third.ready', process.version)); setInterval(() => {}, 1000);\n");
    succeeds(['check']);
    succeeds(['up', '--detach']);
    const { workers } = JSON.parse(succeeds(['ps', '--json'])) as Shown;
    expect(workers.map(({ name: worker, runtime, state }) => [worker, runtime, state])).toEqual([
      ['plain', 'native', 'healthy'],
      ['third', 'script', 'healthy'],
    ]);
    const pids = workers.map(({ native }) => native.pid);
    expect(pids.map(isAlive)).toEqual([true, true]);
    const held = readdirSync(home, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('/spec.json'));
    expect(held.map((file) => JSON.parse(readFileSync(join(home, file), 'utf8')).holder)).toEqual(isHolderBuilt ? ['compiled', 'compiled'] : ['sh', 'sh']);

    succeeds(['down']);
    expect(pids.map(isAlive)).toEqual([false, false]);
    succeeds(['down', '--agent']);
    expect(ostler(['ps']).status).toBe(3);
  },
  300_000,
);
