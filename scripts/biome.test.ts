import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type PlantedTree, plantedTree, thisTree } from './planted.ts';

let tree: PlantedTree;
beforeEach(() => {
  tree = plantedTree();
  const { $schema: _, vcs: __, ...config } = JSON.parse(readFileSync(join(thisTree, 'biome.json'), 'utf8'));
  tree.file('biome.json', JSON.stringify(config));
});
afterEach(() => tree.end());

const biome = () => spawnSync(join(thisTree, 'node_modules/.bin/biome'), ['ci', 'src'], { cwd: tree.root, encoding: 'utf8' });

test.each([
  ['an unformatted line', 'export  const x = 1\n', 'format'],
  ['a value import of a type', "import { Stats } from 'node:fs';\n\nexport type X = Stats;\n", 'lint/style/useImportType'],
  ['a built-in without node:', "import { join } from 'path';\n\nexport const x = join('a', 'b');\n", 'lint/style/useNodejsImportProtocol'],
])('%s is found', (_, text, rule) => {
  tree.file('src/a.ts', text);
  const { status, stdout, stderr } = biome();
  expect(status).toBe(1);
  expect(stdout + stderr).toContain(rule);
});

test('a clean file passes', () => {
  tree.file('src/a.ts', 'export const x = 1;\n');
  expect(biome().status).toBe(0);
});
