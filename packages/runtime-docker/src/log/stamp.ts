import { refusal } from '../errors.ts';
import type { Frame } from './frames.ts';

/** A moment as engines take it for `since`: seconds and nine digits of a second. Text, for no number holds it. */
export type Stamp = string;

/** Throws `invalid` for what is no RFC 3339 time. */
export function stampOf(time: string): Stamp {
  const ms = Date.parse(time);
  if (Number.isNaN(ms)) throw refusal('invalid', `"${time}" is no time`);
  const fraction = /\.(\d{1,9})/.exec(time)?.[1] ?? '';
  return `${String(Math.floor(ms / 1000))}.${fraction.padEnd(9, '0')}`;
}

export const isLater = (a: Stamp, b: Stamp): boolean => {
  const [seconds, nanos] = [Number.parseInt(a, 10) - Number.parseInt(b, 10), a.slice(a.indexOf('.')) > b.slice(b.indexOf('.'))];
  return seconds > 0 || (seconds === 0 && nanos);
};

export const shifted = (stamp: Stamp, seconds: number): Stamp =>
  `${String(Math.max(0, Number.parseInt(stamp, 10) + seconds))}${stamp.slice(stamp.indexOf('.'))}`;

/** A message with its time, which the engine writes before it. */
export interface Stamped extends Frame {
  readonly stamp: Stamp;
  /** RFC 3339. */
  readonly at: string;
}

/** Throws `internal` for a message without a time. */
export function stamped({ stream, bytes }: Frame): Stamped {
  const space = bytes.indexOf(32);
  const at = bytes.toString('latin1', 0, Math.max(0, space));
  if (!/^\d{4}-\d\d-\d\dT/.test(at)) throw refusal('internal', 'the engine’s log has a line without a time');
  return { stream, at, stamp: stampOf(at), bytes: bytes.subarray(space + 1) };
}
