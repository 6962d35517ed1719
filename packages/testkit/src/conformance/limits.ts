import assert from 'node:assert/strict';
import type { EngineFacts, WorkerSpec } from '@ostler/sdk';
import type { ConformanceCase } from './case.ts';

function deepFreeze<X>(value: X): X {
  if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}

const none: EngineFacts['limits'] = { memory: 'none', cpu: 'none', pids: 'none', gpuMemory: 'none' };
const unlimited: WorkerSpec['limits'] = { cpus: null, memoryBytes: null, memorySwapBytes: null, pids: null };

export const limits: readonly ConformanceCase[] = [
  {
    id: 'a-limit-that-cannot-be-held-is-a-finding',
    line: 'a limit that cannot be held is a finding of `check`, not silence',
    run: async (kit) => {
      const facts = { ...(await kit.driver.facts(kit.call())), limits: none };
      const asked = [
        ['memory', { ...unlimited, memoryBytes: 64 * 1024 * 1024 }, /memory/i],
        ['cpu', { ...unlimited, cpus: 0.5 }, /cpu/i],
        ['pids', { ...unlimited, pids: 64 }, /pid/i],
      ] as const;
      const plain = kit.driver.check(kit.spec(['wait']), facts);
      for (const [name, limit, field] of asked) {
        const findings = kit.driver.check(kit.spec(['wait'], { limits: limit }), facts);
        const finding = findings.find((one) => field.test(one.field));
        assert.ok(!plain.some((one) => field.test(one.field)), `${name}: a finding, though no limit was asked for`);
        assert.ok(finding !== undefined, `${name}: facts say 'none', check says nothing`);
        assert.notEqual(finding.text, '');
      }
    },
  },
  {
    id: 'a-gpu-that-would-be-ignored-is-refused',
    line: "'refused' stops the plan (a GPU that would be ignored)",
    run: async (kit) => {
      const facts = { ...(await kit.driver.facts(kit.call())), gpus: [] };
      const gpu = { count: 1, ids: [], memoryBytes: null, exclusive: false };
      const findings = kit.driver.check(kit.spec(['wait'], { gpu }), facts);
      assert.ok(
        findings.some((one) => one.level === 'refused' && /gpu/i.test(one.field)),
        `no GPU here, one asked for, and check says ${JSON.stringify(findings)}`,
      );
    },
  },
  {
    id: 'check-is-pure',
    line: 'check: Pure',
    run: async (kit) => {
      const facts = deepFreeze(structuredClone(await kit.driver.facts(kit.call())));
      const spec = deepFreeze(kit.spec(['wait'], { limits: { ...unlimited, memoryBytes: 1 << 26, pids: 10 } }));
      const first = kit.driver.check(spec, facts);
      const second = kit.driver.check(structuredClone(spec), structuredClone(facts));
      assert.ok(Array.isArray(first), 'check() answers at once');
      assert.deepEqual(second, first);
    },
  },
  {
    id: 'a-field-that-cannot-be-honoured-is-refused',
    line: 'WorkerSpec.more: check() of a driver must refuse those that it does not honour',
    run: async (kit) => {
      const facts = await kit.driver.facts(kit.call());
      const more = { aFieldThatNoRuntimeKnows: true, another: ['x'] };
      const findings = kit.driver.check(kit.spec(['wait'], { more }), facts);
      for (const field of Object.keys(more)) {
        assert.ok(
          findings.some((one) => one.level === 'refused' && one.field.includes(field)),
          `${field} is passed over in silence`,
        );
      }
    },
  },
];
