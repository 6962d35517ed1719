import type { Cancel } from '../base/clock.ts';
import type { CronLine, ScheduleRule } from '../spec/index.ts';
import type { LifeEvent } from './life.ts';
import type { Services } from './services.ts';

type Times = Pick<Services, 'clock' | 'nextDue' | 'missed'>;

/** How late a time may be noticed and still be kept: the clock is looked at once a minute. */
export const punctualMs = 90_000;
const lookMs = 60_000;
/** More is not told apart: a line with seconds and a long time away would be counted for minutes. */
const mostCounted = 1000;
/** A clock that is set back by less brings nothing again that has come; by more, it was wrong before. */
const repeatMs = 3 * 3_600_000;

/** Waits for the next time of a cron line, by the clock of the host, which may be set or stand still while the host sleeps. */
export class Calendar {
  readonly #times: Times;
  readonly #onDue: (dueMs: number) => void;
  readonly #onLook: () => void;
  #line: CronLine | null = null;
  #dueMs: number | null = null;
  /** Up to when the times that came were told, while nothing is waited for. */
  #toldMs: number | null = null;
  #cancel: Cancel | null = null;

  /** `onDue`: that time has come, or passed; it aligns again. `onLook`: once a minute; it aligns too, for the clock may have been set back. */
  constructor(times: Times, onDue: (dueMs: number) => void, onLook: () => void) {
    this.#times = times;
    this.#onDue = onDue;
    this.#onLook = onLook;
  }

  /** `lastMs`: the last time that came, epoch ms. */
  align(line: CronLine | null, lastMs: number | null): void {
    if (line === null) {
      this.close();
      return;
    }
    const isSame = this.#line?.cron === line.cron && this.#line.timezone === line.timezone;
    const nowMs = this.#times.clock.nowMs();
    // What has come is told by its timer, be it a little late.
    if (isSame && this.#dueMs !== null && this.#dueMs <= nowMs) return;
    const openMs = isSame && this.#toldMs !== null ? Math.min(this.#toldMs, nowMs) : nowMs;
    const fromMs = lastMs !== null && lastMs > nowMs && lastMs - nowMs <= repeatMs ? lastMs : openMs;
    const dueMs = this.#times.nextDue(line, fromMs);
    if (isSame && this.#dueMs === dueMs) return;
    this.close();
    this.#line = line;
    this.#dueMs = dueMs;
    if (dueMs !== null) this.#waitFor(dueMs);
  }

  close(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#line = null;
    this.#dueMs = null;
    this.#toldMs = null;
  }

  #waitFor(dueMs: number): void {
    const { clock } = this.#times;
    this.#cancel = clock.after(Math.min(lookMs, Math.max(0, dueMs - clock.nowMs())), () => {
      const nowMs = clock.nowMs();
      if (nowMs >= dueMs) {
        this.#cancel = null;
        this.#dueMs = null;
        this.#toldMs = nowMs;
        this.#onDue(dueMs);
        return;
      }
      this.#waitFor(dueMs);
      this.#onLook();
    });
  }
}

/**
 * What a worker is told of the times of its schedule after `fromMs`, up to now: the latest of them is due if that was just now; the others were missed,
 * and `why` says how. It is told of a time at which one was due, and remembers that one, so that each is told once.
 */
export function overdue(schedule: ScheduleRule, fromMs: number, times: Times, why: string): readonly LifeEvent[] {
  const nowMs = times.clock.nowMs();
  const latestMs = lastDue(schedule, fromMs, nowMs, times);
  if (latestMs === null) return [];
  const due: LifeEvent = { type: 'due', at: new Date(latestMs).toISOString() };
  if (schedule.missed === 'once') return [due];
  const isPunctual = latestMs > nowMs - punctualMs;
  const lostMs = isPunctual ? lastDue(schedule, fromMs, latestMs - 1, times) : latestMs;
  if (lostMs === null) return [due];
  const count = times.missed(schedule, fromMs, lostMs, mostCounted);
  const told: LifeEvent = { type: 'missed', at: new Date(lostMs).toISOString(), count, isAtLeast: count >= mostCounted, why };
  return isPunctual ? [told, due] : [told];
}

/** The last time after `fromMs`, up to and with `toMs`. What lies between is halved, for there may be a million times. */
function lastDue(line: CronLine, fromMs: number, toMs: number, { nextDue }: Times): number | null {
  let lastMs = nextDue(line, fromMs);
  if (lastMs === null || lastMs > toMs) return null;
  for (let endMs = toMs; lastMs < endMs; ) {
    const middleMs = Math.floor((lastMs + endMs) / 2);
    const dueMs = nextDue(line, middleMs);
    if (dueMs !== null && dueMs <= endMs) lastMs = dueMs;
    else endMs = middleMs;
  }
  return lastMs;
}
