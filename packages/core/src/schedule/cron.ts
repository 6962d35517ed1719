import { Cron } from 'croner';
import { cronFault } from '../base/cron-fault.ts';
import { problem } from '../base/problem.ts';
import type { CronLine } from '../spec/index.ts';
import { type Zone, zoneOf } from './zone.ts';

/**
 * The first time after `afterMs` at which a run is due; both epoch ms, `null` = never again. Where the clocks go forward, a time of day that is left
 * out is due at the first moment after the gap; where they go back, a time that comes twice is due once, at its first. Lines with `*` or `/` in
 * seconds, minutes or hours follow the clock as it runs instead. Throws a problem when the line or the time zone is none.
 */
export function nextDue(rule: CronLine, afterMs: number): number | null {
  return read(rule, (line) => after(line, afterMs));
}

/** How many runs were due after `fromMs`, up to and with `toMs`; both epoch ms. Counts to `most`. Throws as {@link nextDue} does. */
export function missedBetween(rule: CronLine, fromMs: number, toMs: number, most: number): number {
  return read(rule, (line) => {
    let count = 0;
    for (let dueMs = after(line, fromMs); dueMs !== null && dueMs <= toMs && count < most; dueMs = after(line, dueMs)) count++;
    return count;
  });
}

interface Line {
  /** Reckons in UTC: which times of day, not when they come. */
  readonly times: Cron;
  readonly zone: Zone;
  /** It names its times of day, and does not follow the clock. */
  readonly isFixed: boolean;
}

const nextTime = ({ times }: Line, wallMs: number): number | null => times.nextRun(new Date(wallMs))?.getTime() ?? null;

const after = (line: Line, ms: number): number | null => (line.isFixed ? fixedAfter(line, ms) : runningAfter(line, ms));

/** In the order of the times of day the moments only go forward, so that those that have passed are passed over. */
function fixedAfter(line: Line, ms: number): number | null {
  for (let time = nextTime(line, line.zone.wallMs(ms)); time !== null; time = nextTime(line, time)) {
    const shown = line.zone.shown(time);
    const dueMs = shown.is === 'once' ? shown.at : shown.is === 'twice' ? shown.first : shown.after;
    if (dueMs > ms) return dueMs;
  }
  return null;
}

function runningAfter(line: Line, ms: number): number | null {
  const { zone } = line;
  const onward = onwardAfter(line, ms);
  const backMs = zone.setBackAfter(ms);
  if (backMs === null) return onward;
  // What is shown again from then on may come sooner than what is shown next.
  const time = nextTime(line, zone.wallMs(backMs) - 1);
  const again = time === null ? null : backMs + (time - zone.wallMs(backMs));
  return again !== null && zone.wallMs(again) === time && (onward === null || again < onward) ? again : onward;
}

function onwardAfter(line: Line, ms: number): number | null {
  const { zone } = line;
  for (let time = nextTime(line, zone.wallMs(ms)); time !== null; ) {
    const shown = zone.shown(time);
    const dueMs = shown.is === 'once' ? shown.at : shown.is === 'never' ? Number.NEGATIVE_INFINITY : shown.first > ms ? shown.first : shown.second;
    if (dueMs > ms) return dueMs;
    time = nextTime(line, shown.is === 'never' ? zone.wallMs(shown.after) - 1 : time);
  }
  return null;
}

const lines = new WeakMap<CronLine, Line>();

function read<T>(rule: CronLine, use: (line: Line) => T): T {
  const { cron, timezone } = rule;
  try {
    const line = lines.get(rule) ?? { times: new Cron(cron, { paused: true, utcOffset: 0 }), zone: zoneOf(timezone), isFixed: isFixed(cron) };
    lines.set(rule, line);
    return use(line);
  } catch (error) {
    throw problem(
      {
        code: 'host-file-invalid',
        message: `the schedule \`${cron.slice(0, 80)}\`${timezone === null ? '' : ` in the time zone ${timezone}`} cannot be read: ${cronFault(error)}`,
        hint: 'Expected minute, hour, day, month and weekday such as "0 3 * * *", and a time zone such as Europe/Berlin.',
      },
      error,
    );
  }
}

/** Five fields begin with the minute, six and seven with the second. `@hourly` stands for `0 * * * *`. */
function isFixed(cron: string): boolean {
  const fields = cron.trim().split(/\s+/);
  if (fields.length === 1) return fields[0]!.toLowerCase() !== '@hourly';
  return !/[*?/]/.test(fields.slice(0, fields.length === 5 ? 2 : 3).join(' '));
}
