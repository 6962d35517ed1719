import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type PlantedTree, plantedTree, thisTree } from './planted.ts';

let tree: PlantedTree;
beforeEach(() => {
  tree = plantedTree();
});
afterEach(() => tree.end());

const publint = () => spawnSync(join(thisTree, 'node_modules/.bin/publint'), ['--strict', tree.root], { encoding: 'utf8' });

test('a package whose exports lead nowhere is refused, a sound one passes', () => {
  const manifest = { name: 'planted', version: '1.0.0', type: 'module', license: 'Apache-2.0', files: ['dist'], exports: { '.': './dist/index.js' } };
  tree.file('package.json', JSON.stringify(manifest));
  tree.file('dist/other.js', 'export const x = 1;\n');
  const broken = publint();
  expect(broken.status).toBe(1);
  expect(broken.stdout + broken.stderr).toContain('dist/index.js');
  tree.file('dist/index.js', 'export const x = 1;\n');
  expect(publint().status).toBe(0);
}, 60_000);
