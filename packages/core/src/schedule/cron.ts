import { Cron } from 'croner';
import { problem } from '../base/problem.ts';
import type { ScheduleRule } from '../spec/index.ts';

/** More than that is not told apart: a line with seconds and a long time away would be counted for minutes. */
const mostMissed = 1000;

/**
 * The first time after `afterMs` at which a run is due; both epoch ms, `null` = never again. Where the clocks go forward, a time of day that is left
 * out is due at the first moment after the gap; where they go back, a time that comes twice is due once, at its first. Lines with `*` or `/` in
 * seconds, minutes or hours follow the clock as it runs instead. Throws a problem when the line or the time zone is none.
 */
export function nextDue(rule: ScheduleRule, afterMs: number): number | null {
  return read(rule, (line) => after(line, afterMs));
}

/** How many runs were due after `fromMs`, up to and with `toMs`; both epoch ms. Counts to 1000. Throws as {@link nextDue} does. */
export function missedBetween(rule: ScheduleRule, fromMs: number, toMs: number): number {
  return read(rule, (line) => {
    let count = 0;
    for (let dueMs = after(line, fromMs); dueMs !== null && dueMs <= toMs && count < mostMissed; dueMs = after(line, dueMs)) count++;
    return count;
  });
}

const after = (line: Cron, ms: number): number | null => line.nextRun(new Date(ms))?.getTime() ?? null;

/** A time zone that is none is noticed only when the line is used. */
function read<T>({ cron, timezone }: ScheduleRule, use: (line: Cron) => T): T {
  try {
    return use(new Cron(cron, { paused: true, ...(timezone === null ? {} : { timezone }) }));
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^Cron(Pattern|Date)?: /, '').replace(/ This may happen .*$/s, '') : String(error);
    throw problem(
      {
        code: 'host-file-invalid',
        message: `the schedule \`${cron.slice(0, 80)}\`${timezone === null ? '' : ` in the time zone ${timezone}`} cannot be read: ${why}`,
        hint: 'Expected minute, hour, day, month and weekday such as "0 3 * * *", and a time zone such as Europe/Berlin.',
      },
      error,
    );
  }
}
