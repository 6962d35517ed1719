import type { Plugin } from '@ostler/sdk';
import { within } from '../wait-for.ts';
import { isAbsent } from './absent.ts';
import type { ConformanceCase } from './case.ts';
import { conformanceCases } from './cases.ts';
import { type KitOptions, makeKit } from './kit.ts';

export type CaseResult = { readonly id: string; readonly line: string } & (
  | { readonly outcome: 'passed' }
  | { readonly outcome: 'failed'; readonly error: Error }
  /** The runtime itself says that it has no such thing. */
  | { readonly outcome: 'absent'; readonly why: string }
);

/** `reason` is printed. A skip that names no case, and one whose case does not fail, is an error: it would hide what works. */
export interface Skip {
  readonly reason: string;
  readonly cases: readonly string[];
}

const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));

/** Runs one case in folders of its own, cleans up behind it, and says how it went. Never throws. */
export async function runCase(one: ConformanceCase, plugin: Plugin, options: KitOptions): Promise<CaseResult> {
  const { id, line } = one;
  try {
    const kit = await makeKit(plugin, options);
    try {
      if (one.needs !== undefined && kit.driver[one.needs] === undefined) return { id, line, outcome: 'absent', why: `the driver has no ${one.needs}()` };
      await within(`case ${id}`, one.timeoutMs ?? 60_000, one.run(kit));
      return { id, line, outcome: 'passed' };
    } finally {
      await kit.cleanUp();
    }
  } catch (thrown) {
    if (isAbsent(thrown)) return { id, line, outcome: 'absent', why: thrown.message };
    return { id, line, outcome: 'failed', error: asError(thrown) };
  }
}

/** Runs cases one after the other, without a test runner. `only`: ids; every case if not given. */
export async function runConformance(
  makePlugin: () => Plugin,
  options: KitOptions & { readonly only?: readonly string[] | undefined },
): Promise<readonly CaseResult[]> {
  const results: CaseResult[] = [];
  for (const one of casesNamed(options.only)) results.push(await runCase(one, makePlugin(), options));
  return results;
}

/** The cases of these ids, in the suite's order. Throws on an id that is no case. */
export function casesNamed(ids: readonly string[] | undefined): readonly ConformanceCase[] {
  if (ids === undefined) return conformanceCases;
  const unknown = ids.filter((id) => !conformanceCases.some((one) => one.id === id));
  if (unknown.length > 0) throw new Error(`no conformance case is named ${unknown.join(', ')}; see conformanceCases for their ids`);
  return conformanceCases.filter((one) => ids.includes(one.id));
}

/**
 * What a test runner is to say of a result. `shown`: the reason to show it as skipped. Throws where it is to fail: the case failed, or it is on
 * the skip list and did not.
 */
export function verdict(result: CaseResult, skipReason: string | undefined): { readonly shown: string | null } {
  if (skipReason !== undefined) {
    if (result.outcome === 'failed') return { shown: skipReason };
    const how = result.outcome === 'absent' ? `is absent: ${result.why}` : 'passes';
    throw new Error(`${result.id} is skipped (${skipReason}), but it ${how}; take it off the list`);
  }
  if (result.outcome === 'failed') throw result.error;
  return { shown: result.outcome === 'absent' ? result.why : null };
}
