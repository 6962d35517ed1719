import type { Sought } from './log-reading.ts';
import { inShort, type Prepare } from './prepared.ts';

interface LogOptions {
  /** A regular expression of JavaScript. */
  readonly pattern: string;
  readonly stream?: 'stdout' | 'stderr' | undefined;
}

/**
 * Good once a line that the instance printed matches, and from then on: it tells that a worker has come up, not that it still lives. The line is not
 * told, for it may hold what others should not read. See {@link find} for what a line is.
 */
export const prepareLog: Prepare = (given, { log }) => {
  const { pattern, stream = null } = given as LogOptions;
  const expression = `/${inShort(pattern, 80)}/`;
  const whose = stream === null ? 'its log' : `its ${stream}`;
  return {
    what: 'the log probe',
    ask: async (call) => {
      if (log === null) return { ok: false, evidence: 'its runtime gives no logs' };
      call.progress(`${whose} could not be read so far`);
      const sought = await log.seek(pattern, stream, call);
      if (sought.isFound === 'before') return { ok: true, evidence: `a line of ${whose} matched ${expression} before this agent looked` };
      if (sought.isFound) return { ok: true, evidence: `a line of ${whose} matches ${expression}` };
      return { ok: false, evidence: [`no line of ${whose} matches ${expression} so far`, ...reasons(sought)].join('; ') };
    },
  };
};

function reasons({ hasPrinted, hasGap, isBehind, slow }: Sought): readonly string[] {
  return [
    ...(hasPrinted ? [] : ['it has printed nothing']),
    ...(isBehind ? ['it prints faster than it is read'] : []),
    ...(hasGap ? ['a part was gone before it could be read'] : []),
    ...(slow === 'no'
      ? []
      : [`the pattern takes longer than 1 s on a part, ${slow === 'passed' ? 'which is passed over' : 'so it is not tried any more'}: make it simpler`]),
  ];
}
