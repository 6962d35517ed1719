import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Call, definePlugin, Folders, isPlugin, Logger, type RuntimeDriver } from '@ostler/sdk';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { processDriver, versionOf } from '../index.ts';

const state = mkdtempSync(join(tmpdir(), 'ostler-third-party-'));
afterAll(() => rmSync(state, { recursive: true }));

// the plugin of docs/write-a-runtime.md
const options = z.strictObject({ module: z.string(), dirs: z.array(z.string()).default([]) });
const plugin = definePlugin({
  id: 'ostler-runtime-wasmtime',
  api: 1,
  config: z.strictObject({ binary: z.string().default('wasmtime') }),
  needs: { log: Logger, folders: Folders },
  contributes: { runtimes: { wasmtime: { class: 'process', options } } },
  setup({ config, log, folders }) {
    const wasmtime = processDriver<z.output<typeof options>>({
      name: 'wasmtime',
      log,
      folders,
      facts: async (call) => ({ version: await versionOf([config.binary, '--version'], call) }),
      command: ({ options: o, command = [] }) => [config.binary, 'run', ...o.dirs.map((dir) => `--dir=${dir}`), o.module, ...command],
      inputs: ({ options: o }) => [o.module],
    });
    return { runtimes: { wasmtime } };
  },
});

test("a third party's runtime is one definePlugin with processDriver, and tells the version of its program", async () => {
  expect(isPlugin(plugin)).toBe(true);
  const binary = join(state, 'wasmtime');
  writeFileSync(binary, '#!/bin/sh\necho wasmtime 31.0.0\n', { mode: 0o755 });
  const call: Call = { signal: AbortSignal.timeout(10_000), deadlineMs: Date.now() + 10_000, progress() {}, output() {} };
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const given = plugin.setup({ config: { binary }, log, folders: { state, secrets: () => state } }, { onStart() {}, onStop() {} });
  const driver = given.runtimes?.['wasmtime'] as RuntimeDriver;
  expect((await driver.facts(call)).version).toContain('31.0.0');
  await driver.close();
});
