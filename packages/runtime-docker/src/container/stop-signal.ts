import { constants } from 'node:os';
import type { ContainerJson } from '../engine/json.ts';
import { refusal } from '../errors.ts';

const byNumber = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));
/** As glibc and engines count them. */
export const firstRealTime = 34;
const lastRealTime = 64;

/** A number that a shell, an init or an image gives, as a full name such as `SIGTERM` or `SIGRTMIN+3`; `null` = it is none of a signal. */
export function signalOfNumber(number: number): string | null {
  if (number < firstRealTime || number > lastRealTime) return byNumber.get(number) ?? null;
  return number === firstRealTime ? 'SIGRTMIN' : `SIGRTMIN+${String(number - firstRealTime)}`;
}

/** Throws `invalid` for what is no name of a signal. */
export function signalName(name: string): string {
  if (/^SIG[A-Z0-9+-]{2,12}$/.test(name)) return name;
  throw refusal('invalid', `"${name}" is no signal; use a full name such as SIGTERM`);
}

/**
 * The signal that ends a container of which nothing else is said, as its full name: what the image names (`SIGQUIT`, `QUIT`, `3`), else SIGTERM. What
 * is no signal is SIGTERM too, as for the engine.
 */
export function stopSignalOf({ Config }: ContainerJson): string {
  const written = (Config.StopSignal ?? '').toUpperCase();
  if (/^\d+$/.test(written)) return signalOfNumber(Number(written)) ?? 'SIGTERM';
  const name = `SIG${written.replace(/^SIG/, '')}`;
  return name in constants.signals || /^SIGRTM(IN(\+\d+)?|AX(-\d+)?)$/.test(name) ? name : 'SIGTERM';
}
