import { spawnSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type PlantedTree, plantedTree, thisTree } from './planted.ts';

let tree: PlantedTree;
beforeEach(() => {
  tree = plantedTree();
  tree.file('package.json', JSON.stringify({ name: 'w', private: true, type: 'module', workspaces: ['packages/*'] }));
  copyFileSync(join(thisTree, 'knip.json'), join(tree.root, 'knip.json'));
  const exports = { '.': { '@ostler/source': './src/index.ts', default: './dist/index.js' } };
  tree.file('packages/a/package.json', JSON.stringify({ name: 'a', type: 'module', exports }));
  tree.file('packages/a/src/b.ts', 'export const used = 1;\nexport const dead = 2;\n');
});
afterEach(() => tree.end());

const knip = () => {
  const args = ['--directory', tree.root, '--no-config-hints', '--no-progress', '--include', 'exports,files'];
  const run = spawnSync(join(thisTree, 'node_modules/.bin/knip'), args, { encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } });
  return { status: run.status, out: run.stdout.replaceAll(/ +/g, ' ') };
};

test('an export that nobody imports and a file that nobody loads are found; what the index gives out is public', () => {
  tree.file('packages/a/src/index.ts', "export { used as published } from './b.ts';\n");
  tree.file('packages/a/src/orphan.ts', 'export const x = 1;\n');
  const { status, out } = knip();
  expect(status).toBe(1);
  expect(out).toContain('Unused files (1)\npackages/a/src/orphan.ts');
  expect(out).toContain('Unused exports (1)\ndead packages/a/src/b.ts:2:14');
});

test('a tree without dead exports passes', () => {
  tree.file('packages/a/src/index.ts', "import { dead, used } from './b.ts';\nexport const sum = used + dead;\n");
  expect(knip()).toEqual({ status: 0, out: expect.not.stringContaining('Unused') });
});
