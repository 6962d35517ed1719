import type { WorkerRecord } from '../store/index.ts';
import { durationText } from './duration-text.ts';
import { moment } from './moment.ts';
import type { WhyState } from './report.ts';

/** What is left of a worker's restarts, and what gives them back; `null` where nothing is to be said. */
export function tries({ phase, failures }: WorkerRecord, { rules, startedAt, at }: WhyState): string | null {
  if (rules === null || rules.restart.policy === 'never') return null;
  const { giveUp, backoff, resetAfterMs } = rules.restart;
  if (failures === 0) return giveUp === null || phase !== 'running' ? null : `No failure in a row; ${restarts(giveUp)} before it is given up (restart.giveUp).`;
  const inARow = `${failures} failure${failures === 1 ? '' : 's'} in a row`;
  if (phase === 'failed') {
    const spent = giveUp !== null && failures > giveUp ? `; restart.giveUp is ${giveUp}` : '';
    return `${inARow}${spent}. A start by hand begins to count anew.`;
  }
  if (phase === 'running') {
    const left =
      giveUp === null ? '' : `; ${giveUp - failures > 0 ? `${restarts(giveUp - failures)} left` : 'no restart is left'} of ${giveUp} (restart.giveUp)`;
    const before = `${inARow} before this run${left}.`;
    // Of a job no run is long enough: that it ends well is what counts.
    if (resetAfterMs === null) return before;
    const when = startedAt === null ? '' : `, at ${moment(new Date(Date.parse(startedAt) + resetAfterMs).toISOString(), at)}`;
    const isOver = startedAt !== null && Date.parse(at) - Date.parse(startedAt) >= resetAfterMs;
    return isOver ? null : `${before} That is forgotten once it has run for ${durationText(resetAfterMs)}${when}.`;
  }
  const limit =
    giveUp === null
      ? `It is tried again for ever (restart.giveUp is not set), at most ${durationText(backoff.maxMs)} apart`
      : `The next start is restart ${failures} of at most ${giveUp} in a row (restart.giveUp)${failures >= giveUp ? ', the last one' : ''}`;
  const back = resetAfterMs === null ? 'a run that ends well' : `a run of ${durationText(resetAfterMs)}`;
  return `${inARow}. ${limit}; ${back} sets the count back.`;
}

const restarts = (n: number): string => `${n} restart${n === 1 ? '' : 's'}`;
