import native from '@ostler/runtime-native';
import { describe, expect, test } from 'vitest';
import { runConformance } from '../conformance/run-case.ts';
import { plantedBugs } from './bugs.ts';

describe('the conformance suite catches a driver that', () => {
  for (const { name, wrap, caughtBy } of plantedBugs) {
    test(`${name}: ${caughtBy.join(', ')}`, { timeout: 240_000 }, async () => {
      const given = { runtime: 'native', module: '@ostler/runtime-native', agentDeath: 'always', only: caughtBy } as const;
      const results = await runConformance(() => native, { ...given, wrap });
      const failed = results.flatMap((one) => (one.outcome === 'failed' ? [one.id] : []));
      expect(failed.sort()).toEqual([...caughtBy].sort());
      // the same cases, without the bug: it is the bug that they see
      const without = await runConformance(() => native, given);
      expect(without.filter((one) => one.outcome !== 'passed')).toEqual([]);
    });
  }
});
