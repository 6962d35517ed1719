import { afterEach, beforeEach, expect, test } from 'vitest';
import { layerViolations } from './layers.mjs';
import { type PlantedTree, plantedTree, thisTree } from './planted.ts';

let tree: PlantedTree;
beforeEach(() => {
  tree = plantedTree();
});
afterEach(() => tree.end());

test('every import of this tree goes where it may', () => {
  expect(layerViolations(thisTree)).toEqual([]);
});

test('a package that imports what it may not is named, for a type alone too', () => {
  tree.file('packages/sdk/src/a.ts', "import type { X } from '@ostler/core';\nexport type Y = X;\n");
  tree.file('packages/runtime-native/src/a.ts', "export { x } from '@ostler/core';\n");
  tree.file('packages/process/src/a.ts', "export type X = import('ostler').X;\n");
  expect(layerViolations(tree.root)).toEqual([
    'packages/process/src/a.ts: process may not import ostler',
    'packages/runtime-native/src/a.ts: runtime-native may not import @ostler/core',
    'packages/sdk/src/a.ts: sdk may not import @ostler/core',
  ]);
});

test('the command may take types from core and load it lazily, not import it', () => {
  tree.file('packages/cli/src/types-only.ts', "import type { X } from '@ostler/core';\nexport type Y = X;\n");
  tree.file('packages/cli/src/lazy.ts', "export const core = () => import('@ostler/core');\n");
  tree.file('packages/cli/src/eager.ts', "import { type X, y } from '@ostler/core';\nexport const z: X = y;\n");
  expect(layerViolations(tree.root)).toEqual([`packages/cli/src/eager.ts: cli may load @ostler/core only by "await import('@ostler/core')"`]);
});

test('a package without a place is named', () => {
  tree.file('packages/stray/src/a.ts', "import '@ostler/sdk';\n");
  expect(layerViolations(tree.root)).toEqual(['packages/stray/src/a.ts: the package stray has no place in scripts/layers.mjs: say what it may import']);
});

test('a room that imports upward or beside itself is named with both layers', () => {
  tree.file('packages/core/src/plan/a.ts', "export { x } from '../store/b.ts';\n");
  tree.file('packages/core/src/store/b.ts', 'export const x = 1;\n');
  tree.file('packages/core/src/schedule/c.ts', "import type { X } from '../rollout/d.ts';\nexport type Y = X;\n");
  tree.file('packages/core/src/journal/e.ts', "export { x } from '../store/b.ts';\n");
  expect(layerViolations(tree.root)).toEqual([
    'packages/core/src/plan/a.ts: plan (L1) may not import store (L2)',
    'packages/core/src/schedule/c.ts: schedule (L3) may not import rollout (L3)',
  ]);
});

test('a room that nobody gave a layer is named', () => {
  tree.file('packages/core/src/attic/a.ts', 'export const x = 1;\n');
  expect(layerViolations(tree.root)).toEqual(['packages/core/src/attic/a.ts: the room attic has no layer: give it one in scripts/layers.mjs']);
});
