import { constants } from 'node:os';

/** Of Linux, as glibc and the engines count them: SIGRTMIN and SIGRTMAX (signal(7)). */
const [firstRealTime, lastRealTime] = [34, 64];
const numbers: Readonly<Record<string, number>> = constants.signals;
/** SIGPOLL and SIGIOT are second names of SIGIO and SIGABRT. */
const names = new Map(
  Object.entries(numbers)
    .filter(([name]) => name !== 'SIGPOLL' && name !== 'SIGIOT')
    .map(([name, number]) => [number, name]),
);

/** The number of a full name, such as `SIGTERM`, `SIGRTMIN+3` or `SIGRTMAX-1`; `null` = there is no such signal. */
export function signalNumber(name: string): number | null {
  const known = numbers[name];
  if (known !== undefined) return known;
  const [, end, above, below] = /^SIGRT(MIN|MAX)(?:(?<=MIN)\+(\d{1,2})|(?<=MAX)-(\d{1,2}))?$/.exec(name) ?? [];
  if (end === undefined) return null;
  const number = end === 'MIN' ? firstRealTime + Number(above ?? 0) : lastRealTime - Number(below ?? 0);
  return number < firstRealTime || number > lastRealTime ? null : number;
}

/** The full name of a number; `null` = it is none of a signal. */
export function signalName(number: number): string | null {
  if (number < firstRealTime || number > lastRealTime) return names.get(number) ?? null;
  return number === firstRealTime ? 'SIGRTMIN' : `SIGRTMIN+${number - firstRealTime}`;
}
