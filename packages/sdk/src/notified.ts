/** What an instance said of itself by sd_notify(3), kept while no agent lived. Times: RFC 3339, `null` = it has not said that. */
export interface Notified {
  readonly readyAt: string | null;
  /** Its last `WATCHDOG=1`. */
  readonly aliveAt: string | null;
  /** `STOPPING=1`. */
  readonly stoppingAt: string | null;
  /** It said `WATCHDOG=trigger`. */
  readonly isTripped: boolean;
  /** Its last `STATUS=`, at most 255 bytes, without half a character at its end. */
  readonly status: string | null;
}
