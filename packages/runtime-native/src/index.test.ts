import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Call, isPlugin, type RuntimeDriver } from '@ostler/sdk';
import { expect, test } from 'vitest';
import plugin from './index.ts';

const call: Call = { signal: new AbortController().signal, deadlineMs: Date.now() + 10_000, progress() {}, output() {} };

test('the plugin declares the runtime native of class process, and its driver answers', async () => {
  expect(isPlugin(plugin)).toBe(true);
  expect(plugin.contributes.runtimes?.['native']).toMatchObject({ class: 'process' });
  expect(plugin.contributes.runtimes?.['native']?.options.safeParse({ module: 'x' }).success).toBe(false);
  const state = mkdtempSync(join(tmpdir(), 'ostler-native-'));
  try {
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const given = plugin.setup({ log, folders: { state, secrets: () => state } }, { onStart() {}, onStop() {} });
    const driver = given.runtimes?.['native'] as RuntimeDriver;
    await driver.ping(call);
    expect(await driver.facts(call)).toMatchObject({ name: 'native', outlives: { engine: true } });
    await driver.close();
  } finally {
    rmSync(state, { recursive: true });
  }
});
