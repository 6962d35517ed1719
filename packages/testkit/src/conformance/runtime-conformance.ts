import type { Plugin } from '@ostler/sdk';
import { describe, expect, test } from 'vitest';
import { conformanceAreas } from './cases.ts';
import type { KitOptions } from './kit.ts';
import { casesNamed, runCase, type Skip, verdict } from './run-case.ts';

/**
 * Registers the suite with vitest: one test for each case, named by its id and the line of the contract that it proves. Call it at the top of
 * a test file. A case that the runtime declares to lack is shown as skipped, with the reason. A skipped case runs too, and has to fail.
 */
export function runtimeConformance(makePlugin: () => Plugin, options: KitOptions & { readonly skip?: readonly Skip[] }): void {
  const reasons = new Map((options.skip ?? []).flatMap((skip) => skip.cases.map((id) => [id, skip.reason] as const)));
  describe(`${options.runtime} meets the runtime contract`, () => {
    test('every skip names a case and a reason', () => {
      casesNamed([...reasons.keys()]);
      for (const [id, reason] of reasons) expect(reason, id).not.toBe('');
    });
    for (const [area, cases] of Object.entries(conformanceAreas)) {
      describe(area, () => {
        for (const one of cases) {
          const reason = reasons.get(one.id);
          // the clean-up has its own time
          const timeout = (one.timeoutMs ?? 60_000) + 60_000;
          test(`${one.id}: ${one.line}`, { timeout }, async (context) => {
            const result = await runCase(one, makePlugin(), options);
            const { shown } = verdict(result, reason);
            if (shown !== null) context.skip(shown);
          });
        }
      });
    }
  });
}
