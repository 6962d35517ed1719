import { constants } from 'node:os';

// As the SDK has it, which no client verb loads.

const numbers: Readonly<Record<string, number>> = constants.signals;
/** SIGRTMIN and SIGRTMAX of Linux, as glibc and the engines count them (signal(7)). */
const [firstRealTime, lastRealTime] = [34, 64];

/** The number of a full name, such as `SIGTERM` or `SIGRTMIN+3`; `null` = there is no such signal. */
export function signalNumber(name: string): number | null {
  const known = numbers[name];
  if (known !== undefined) return known;
  const [, end, sign, apart = '0'] = /^SIGRT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name) ?? [];
  if (end === undefined || (sign !== undefined && sign !== (end === 'MIN' ? '+' : '-'))) return null;
  const number = end === 'MIN' ? firstRealTime + Number(apart) : lastRealTime - Number(apart);
  return number < firstRealTime || number > lastRealTime ? null : number;
}

/** The full name of a number; `null` = it is none of a signal. */
export function signalName(number: number): string | null {
  if (number > firstRealTime && number <= lastRealTime) return `SIGRTMIN+${number - firstRealTime}`;
  return number === firstRealTime ? 'SIGRTMIN' : (Object.entries(numbers).find(([, one]) => one === number)?.[0] ?? null);
}
