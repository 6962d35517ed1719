import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { missingLines, unmet } from './abilities.mjs';
import { thisTree } from './planted.ts';

const found = { root: null, busybox: 'busybox is not on PATH', podman: 'no podman' };

test('what is missing is said, one line each with the reason', () => {
  expect(missingLines(found)).toEqual(['skipped: busybox: busybox is not on PATH', 'skipped: podman: no podman']);
});

test('what is required and missing, or not known at all, is a failure', () => {
  expect(unmet(found, '')).toEqual([]);
  expect(unmet(found, 'root')).toEqual([]);
  expect(unmet(found, 'root,busybox,sops')).toEqual([
    'busybox: busybox is not on PATH',
    'sops: nothing of that name is known; known are root, busybox, podman',
  ]);
});

test('the tests see what this machine can do in OSTLER_ABILITIES', () => {
  const abilities = JSON.parse(process.env['OSTLER_ABILITIES'] ?? 'null');
  expect(Object.keys(abilities)).toEqual([
    'root',
    'cgroup',
    'ordinary-user',
    'setpriv',
    'busybox',
    'tmpfs-mount',
    'tmux',
    'docker',
    'podman',
    'registry',
    'python-wheels',
    'cc',
  ]);
  expect(abilities.root === null).toBe(process.getuid?.() === 0);
});

test('npm test stops, with the reason, when what OSTLER_REQUIRE names is not there', () => {
  const env = { ...process.env, OSTLER_REQUIRE: 'root,nonsense' };
  const run = spawnSync(process.execPath, [join(thisTree, 'scripts/test.mjs')], { encoding: 'utf8', env });
  expect(run.status).toBe(1);
  expect(run.stderr).toContain('nonsense: nothing of that name is known');
});
