import { afterEach, beforeEach, expect, test } from 'vitest';
import { importCycles } from './cycles.mjs';
import { type PlantedTree, plantedTree, thisTree } from './planted.ts';

let tree: PlantedTree;
beforeEach(() => {
  tree = plantedTree();
});
afterEach(() => tree.end());

test('nothing in this tree imports itself', () => {
  expect(importCycles(thisTree)).toEqual([]);
});

test('a cycle is shown with its path, once, also when only types go round', () => {
  tree.file('packages/sdk/src/a.ts', "import './b.ts';\n");
  tree.file('packages/sdk/src/b.ts', "import type { C } from './c.ts';\nexport type B = C;\n");
  tree.file('packages/sdk/src/c.ts', "export * from './a.ts';\n");
  expect(importCycles(tree.root)).toEqual(['import cycle: packages/sdk/src/a.ts -> packages/sdk/src/b.ts -> packages/sdk/src/c.ts -> packages/sdk/src/a.ts']);
});

test('two ways to one file are no cycle', () => {
  tree.file('packages/sdk/src/a.ts', "import './b.ts';\nimport './c.ts';\n");
  tree.file('packages/sdk/src/b.ts', "import './c.ts';\n");
  tree.file('packages/sdk/src/c.ts', 'export const c = 1;\n');
  expect(importCycles(tree.root)).toEqual([]);
});
