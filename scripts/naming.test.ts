import { afterEach, beforeEach, expect, test } from 'vitest';
import { namingViolations } from './naming.mjs';
import { type PlantedTree, plantedTree, thisTree } from './planted.ts';

let tree: PlantedTree;
beforeEach(() => {
  tree = plantedTree();
});
afterEach(() => tree.end());

test('no source of this tree is too long, and each name says something', () => {
  expect(namingViolations(thisTree)).toEqual([]);
});

test('a source of 301 lines is found, one of 300 is not', () => {
  tree.file('packages/sdk/src/a.ts', '\n'.repeat(301));
  tree.file('packages/sdk/src/b.ts', '\n'.repeat(300));
  expect(namingViolations(tree.root)).toEqual(['packages/sdk/src/a.ts: 301 lines, more than 300: split it, one noun a file']);
});

test('a file or folder that is named for nothing is found', () => {
  tree.file('packages/sdk/src/utils.ts', '');
  tree.file('examples/first/lib/a.mjs', '');
  tree.file('packages/sdk/src/utility-room.ts', '');
  expect(namingViolations(tree.root)).toEqual([
    'packages/sdk/src/utils.ts: "utils.ts" does not say what lives there: name it for its noun',
    'examples/first/lib/a.mjs: "lib" does not say what lives there: name it for its noun',
  ]);
});
