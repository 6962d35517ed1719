import type { Observed } from '@ostler/sdk';
import { type FakeInstance, World } from './world.ts';

/** What a driver says of an instance of the scripted world. */
export function observedOf(one: FakeInstance, engine: string): Observed {
  const said = { ref: one.ref, handle: { version: 1, data: World.handleData(one.ref) }, engine };
  if (one.is === 'created') return { ...said, is: 'created' };
  if (one.is === 'running') return { ...said, is: 'running', startedAt: one.startedAt, health: one.health, lastCheck: one.lastCheck, endpoints: [] };
  const unknown = { code: null, signal: null, at: null, oom: 'unknown', evidence: 'none' } as const;
  return { ...said, is: 'exited', exit: one.exit ?? unknown };
}
