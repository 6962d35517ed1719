import type { Notified } from '@ostler/sdk';

/** What an instance said that said nothing. */
export const nothingSaid: Notified = { readyAt: null, aliveAt: null, stoppingAt: null, isTripped: false, status: null };

/** Takes one message of sd_notify(3) into account: `READY=1`, or several lines. `at`: RFC 3339. What is not known is passed over. */
export function withMessage(before: Notified, message: string, at: string): Notified {
  let now = before;
  for (const line of message.split('\n')) {
    if (line === 'READY=1') now = { ...now, readyAt: at };
    if (line === 'WATCHDOG=1') now = { ...now, aliveAt: at };
    if (line === 'STOPPING=1') now = { ...now, stoppingAt: at };
    if (line === 'WATCHDOG=trigger') now = { ...now, isTripped: true };
    if (line.startsWith('STATUS=')) now = { ...now, status: cut(line.slice(7)) };
  }
  return now;
}

/** Not within a character: a decoder that waits for more leaves half a one out. */
const cut = (text: string): string => new TextDecoder().decode(Buffer.from(text).subarray(0, 255), { stream: true });
