import { existsSync } from 'node:fs';
import type { RuntimeDriver } from '@ostler/sdk';
import { describe, expect, test } from 'vitest';
import { nothingSaid } from '../fake/said.ts';
import { laidOver } from '../planted/laid-over.ts';
import listening from './fixtures/listening.ts';
import { notifying } from './notifying.ts';
import { runConformance } from './run-case.ts';

const ids = notifying.map(({ id }) => id);
const outcomes = async (wrap?: (driver: RuntimeDriver) => RuntimeDriver, only = ids) => {
  const module = new URL('./fixtures/listening.ts', import.meta.url).href;
  const results = await runConformance(() => listening, { runtime: 'native', module, agentDeath: 'always', only, wrap });
  return results.map(({ id, outcome, ...more }) => [id, outcome, 'error' in more ? more.error.message : '']);
};

describe.skipIf(!existsSync('/usr/bin/perl'))('the conformance suite', () => {
  test('passes a driver that hears its workers', { timeout: 120_000 }, async () => {
    expect(await outcomes()).toEqual(ids.map((id) => [id, 'passed', '']));
  });
  test('counts hearing as absent where the driver has no such method', { timeout: 60_000 }, async () => {
    const deaf = await outcomes((driver) => laidOver(driver, { notified: undefined } as unknown as Partial<RuntimeDriver>));
    expect(deaf.map(([, outcome]) => outcome)).toEqual(ids.map(() => 'absent'));
  });
  test('catches a driver that forgets what was said to the agent before', { timeout: 120_000 }, async () => {
    const only = ['what-it-says-while-no-agent-lives-is-kept'];
    const forgetful = await outcomes((driver) => laidOver(driver, { notified: async () => nothingSaid }), only);
    expect(forgetful.map(([, outcome]) => outcome)).toEqual(['failed']);
  });
  test('catches a driver that answers for whom nobody listens', { timeout: 60_000 }, async () => {
    const only = ['whom-nobody-listens-for-answers-null'];
    const forgetful = await outcomes((driver) => laidOver(driver, { notified: async () => nothingSaid }), only);
    expect(forgetful.map(([, outcome]) => outcome)).toEqual(['failed']);
  });
});
