import type { Cancel } from '../base/clock.ts';
import type { CronLine, ScheduleRule } from '../spec/index.ts';
import type { LifeEvent } from './life.ts';
import type { Services } from './services.ts';

type Times = Pick<Services, 'clock' | 'nextDue' | 'missed'>;

/** How late a time may be noticed and still be kept: the clock is looked at once a minute. */
export const punctualMs = 90_000;
const lookMs = 60_000;
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
 * and `why` says how.
 */
export function overdue(schedule: ScheduleRule, fromMs: number, { clock, nextDue, missed }: Times, why: string): readonly LifeEvent[] {
  const nowMs = clock.nowMs();
  const count = missed(schedule, fromMs, nowMs);
  if (count === 0) return [];
  let latestMs: number | null = null;
  let dueMs = nextDue(schedule, Math.max(fromMs, nowMs - punctualMs));
  for (; dueMs !== null && dueMs <= nowMs; dueMs = nextDue(schedule, dueMs)) latestMs = dueMs;
  const due = (ms: number): LifeEvent => ({ type: 'due', at: new Date(ms).toISOString() });
  // From now on it is remembered as of now, so that it is told once.
  if (schedule.missed === 'once') return [due(latestMs ?? nowMs)];
  const lost = count - (latestMs === null ? 0 : 1);
  const lostMs = lost === 1 ? (nextDue(schedule, fromMs) ?? nowMs) : nowMs;
  const told: readonly LifeEvent[] = lost === 0 ? [] : [{ type: 'missed', at: new Date(lostMs).toISOString(), count: lost, why }];
  return latestMs === null ? told : [...told, due(latestMs)];
}
