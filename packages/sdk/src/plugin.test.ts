import { expect, test } from 'vitest';
import { z } from 'zod';
import {
  definePlugin,
  failureData,
  isPlugin,
  isRuntimeFailure,
  isSecretFailure,
  Logger,
  type RuntimeDriver,
  runtimeFailure,
  secretFailure,
  token,
  unhonoured,
  type WorkerSpec,
} from './index.ts';

const driver = {} as RuntimeDriver<{ module: string }>;

test('a plugin is frozen, branded and inert: defining it runs nothing', () => {
  let ran = false;
  const plugin = definePlugin({
    id: 'x',
    api: 1,
    contributes: { runtimes: { wasm: { class: 'process', options: z.strictObject({ module: z.string() }) } } },
    needs: { log: Logger },
    setup: () => {
      ran = true;
      return { runtimes: { wasm: driver } };
    },
  });
  expect(isPlugin(plugin)).toBe(true);
  expect(Object.isFrozen(plugin)).toBe(true);
  expect(ran).toBe(false);
});

test('what looks like a plugin but was not made by definePlugin is no plugin', () => {
  expect(isPlugin({ id: 'x', api: 1, contributes: {}, setup() {} })).toBe(false);
  expect(isPlugin(null)).toBe(false);
});

test('a declared name without an implementation, and a kind that does not exist, do not compile', () => {
  const options = z.strictObject({});
  // @ts-expect-error nothing is given for `wasm`
  definePlugin({ id: 'a', api: 1, contributes: { runtimes: { wasm: { class: 'process', options } } }, setup: () => ({ runtimes: {} }) });
  // @ts-expect-error `runtime` is not a kind
  definePlugin({ id: 'b', api: 1, contributes: { runtime: {} }, setup: () => ({}) });
  expect(true).toBe(true);
});

test('tokens are equal by id, so that two copies of the package agree', () => {
  expect(token('@ostler/sdk/Logger/v1')).toBe(Logger);
});

test('a runtime failure is known by its brand, and its data crosses a process', () => {
  const error = runtimeFailure({ code: 'timeout', outcome: 'unknown', retryable: true, message: 'no answer in 5 s', cause: 'ECONNRESET' });
  expect(isRuntimeFailure(error)).toBe(true);
  expect(isRuntimeFailure(new Error('no answer in 5 s'))).toBe(false);
  expect(structuredClone(failureData(error))).toEqual({
    code: 'timeout',
    outcome: 'unknown',
    retryable: true,
    message: 'no answer in 5 s',
    cause: 'ECONNRESET',
  });
});

test('a secret failure names the reference and is not taken for a runtime failure', () => {
  const error = secretFailure({ code: 'no-key', ref: 'sops://app#/x', message: 'no identity opens app.enc.yaml' });
  expect(isSecretFailure(error)).toBe(true);
  expect(isRuntimeFailure(error)).toBe(false);
  expect(error.ref).toBe('sops://app#/x');
});

test('a field that a runtime does not honour is refused by name', () => {
  const spec = { more: { sysctls: { a: '1' }, capabilities: [] } } as unknown as WorkerSpec;
  expect(unhonoured(spec, 'native', ['capabilities']).map((f) => [f.level, f.field])).toEqual([['refused', 'sysctls']]);
});
