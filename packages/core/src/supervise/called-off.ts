import type { Life } from './life.ts';

/** Why a start that was decided on is not asked for when its turn comes; `null` = it is. `gone`: the worker whose network it was to share. */
export function calledOff({ want, blind }: Life, gone: string | null): { readonly code: 'aborted' | 'engine-down'; readonly text: string } | null {
  if (want !== 'run') return { code: 'aborted', text: 'it is not wanted any more' };
  if (blind !== null) return { code: 'engine-down', text: blind.reason };
  return gone === null ? null : { code: 'aborted', text: `${gone}, whose network it shares, does not run any more` };
}
