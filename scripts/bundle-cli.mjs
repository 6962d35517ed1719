// Bundles the command, so that a verb starts by reading a few files: `await import('…')` stays lazy, in a chunk of its own. Core and the plugins that
// come with ostler are bundled too, for the agent's start; as packages they are there all the same, for other people's plugins and programs. What
// two copies of a package must agree on (tokens, failures, plugins) is known by registered symbols.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join, sep } from 'node:path';
import { build } from 'esbuild';

const modules = join(import.meta.dirname, '..', 'node_modules');
/** Threads are started from files of their own, beside the chunk that starts them. */
const threads = {
  'store-thread': '@ostler/core/dist/store/store-thread.js',
  'watchdog-thread': '@ostler/core/dist/base/watchdog-thread.js',
  'match-thread': '@ostler/core/dist/probe/match-thread.js',
};

/**
 * Node's own modules by `process.getBuiltinModule`: an `import` asks each for all that it offers, and some load much for that (node:http: fetch and
 * WebSocket, 20 ms).
 */
const builtins = {
  name: 'builtins',
  setup(build) {
    build.onResolve({ filter: /^(node:)?[\w/]+$/ }, ({ path, kind }) => {
      if (!isBuiltin(path) || kind === 'dynamic-import') return undefined;
      // What is imported is looked through, not copied: copying would ask for each name. `process` wants to be itself.
      const isLooked = kind === 'import-statement' && !path.endsWith('process');
      return { path: path.replace(/^(node:)?/, 'node:'), namespace: 'builtin', suffix: isLooked ? '?looked' : '' };
    });
    build.onLoad({ filter: /./, namespace: 'builtin' }, ({ path, suffix }) => {
      const found = `process.getBuiltinModule(${JSON.stringify(path)})`;
      return {
        contents: suffix === '' ? `module.exports = ${found};` : `const m = ${found}; module.exports = typeof m === 'function' ? m : Object.create(m);`,
      };
    });
  },
};

const ours = {
  name: 'ours',
  setup(build) {
    build.onLoad({ filter: /[\\/]packages[\\/](core|process|runtime-docker|runtime-native|sdk)[\\/]dist[\\/].*\.js$/ }, ({ path }) => {
      // As a namespace, so that what nobody uses of it (50 languages, for one) is left out.
      const text = readFileSync(path, 'utf8').replace(/import \{ z(?: as (\w+))? \} from 'zod';/g, (_, name = 'z') => `import * as ${name} from 'zod';`);
      const inProcess = path.split(`${sep}process${sep}dist${sep}`)[1];
      if (inProcess === undefined) return { contents: text };
      // What holds the workers lies in the package, not in the bundle.
      const here = `new URL(${JSON.stringify(`./${inProcess.split(sep).join('/')}`)}, import.meta.resolve('@ostler/process')).href`;
      return { contents: text.replaceAll('import.meta.url', here) };
    });
  },
};

const common = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node22.18',
  outdir: 'dist',
  conditions: ['node', 'import', 'module'],
  mainFields: ['module', 'main'],
  // Offered by the finder for host files that it never reads here.
  external: ['typescript'],
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
  plugins: [builtins, ours],
};

rmSync('dist', { recursive: true, force: true });
const made = await Promise.all([
  build({ ...common, entryPoints: ['src/main.ts', 'src/index.ts'], splitting: true }),
  build({ ...common, entryPoints: Object.fromEntries(Object.entries(threads).map(([name, path]) => [name, join(modules, path)])) }),
]);
writeFileSync('dist/licences.txt', licences(made.flatMap(({ metafile }) => Object.keys(metafile.inputs))));

/** The licences of the packages that the bundle holds parts of. */
function licences(files) {
  const found = new Set(files.flatMap((file) => /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(file)?.[0] ?? []));
  const texts = [...found].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
    return `${name} ${version} (${license})\n\n${file === undefined ? '' : readFileSync(join(folder, file), 'utf8').trim()}\n`;
  });
  return texts.join('\n----\n\n');
}
