// Bundles the command, so that a client verb starts by reading one file or two: `await import('…')` stays lazy, in a chunk of its own.
// The other packages of ours stay outside: core is large and only some verbs load it.
import { readFileSync, rmSync } from 'node:fs';
import { build } from 'esbuild';

const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
rmSync('dist', { recursive: true, force: true });
await build({
  entryPoints: ['src/main.ts', 'src/index.ts'],
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22.18',
  external: Object.keys(dependencies),
  conditions: ['node', 'import', 'module'],
  legalComments: 'linked',
  logLevel: 'warning',
});
