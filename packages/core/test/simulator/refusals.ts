import type { Problem } from '../../src/base/problem.ts';
import { byPolicy } from './agent.ts';

/** A refusal is the policy's where nothing else stands in the way: who is told so may allow it. */
export function misrefused({ code, message }: Problem): string | null {
  if (code !== 'policy-refused' && code !== 'plan-refused') return null;
  const isPolicy = message.split('\n').every((line) => line.includes(byPolicy));
  return isPolicy === (code === 'policy-refused') ? null : `${code}: ${message}`;
}
