import { afterEach, beforeEach, expect, test } from 'vitest';
import { type PlantedTree, plantedTree, thisTree } from './planted.ts';
import { purityViolations } from './purity.mjs';

let tree: PlantedTree;
beforeEach(() => {
  tree = plantedTree();
});
afterEach(() => tree.end());

const here = 'packages/core/src/supervise/restart.ts';
const of = (what: string) => `${here}: belongs to a pure room, but ${what}`;

test('the pure rooms of this tree are pure', () => {
  expect(purityViolations(thisTree)).toEqual([]);
});

test.each([
  ['import { hostname } from "node:os";\nexport const x = hostname();', 'imports node:os'],
  ['export const x = () => Date.now();', 'uses Date.now'],
  ['export const x = () => new Date();', 'uses new Date()'],
  ['export const x = () => Date();', 'uses Date()'],
  ['export const x = () => Math.random();', 'uses Math.random'],
  ['export const x = () => performance.now();', 'uses performance'],
  ['export const x = () => process.pid;', 'uses process'],
  ['export const x = () => ({ process });', 'uses process'],
  ['export const x = (f: () => void) => setTimeout(f, 1);', 'uses setTimeout'],
  ['export const x = (f: () => void) => globalThis.setTimeout(f, 1);', 'uses globalThis'],
])('%s is found', (text, what) => {
  tree.file(here, `${text}\n`);
  expect(purityViolations(tree.root)).toEqual([of(what)]);
});

test('impurity that a pure file loads from elsewhere is found, with the way to it', () => {
  tree.file('packages/core/src/plan/diff.ts', "import { stamp } from '../base/stamp.ts';\nexport const x = stamp;\n");
  tree.file('packages/core/src/base/stamp.ts', 'export const stamp = () => Date.now();\n');
  expect(purityViolations(tree.root)).toEqual([
    'packages/core/src/base/stamp.ts: is loaded by packages/core/src/plan/diff.ts, which is pure, but uses Date.now',
  ]);
});

test('a comment, a text, a type, a property and a name of its own are no use of a global; other rooms may be impure', () => {
  tree.file(
    here,
    `import type { X } from 'node:fs';
/** Not Date.now(), not process.pid. */
export interface Y { readonly process: X }
export const at = (iso: string) => new Date(iso);
export const own = ({ process }: Y) => process;
export const text = 'setTimeout(process.exit)';
export const member = (y: Y) => y.process;
`,
  );
  tree.file('packages/core/src/store/a.ts', 'export const x = () => Date.now();\n');
  expect(purityViolations(tree.root)).toEqual([]);
});
