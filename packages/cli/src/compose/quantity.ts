const units: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A duration as Go writes it, `1m30s`, in ms; null if it is none. */
export function parseDuration(text: string): number | null {
  if (text === '0') return 0;
  if (text.length > 40 || !/^\+?(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h)(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))*$/.test(text)) return null;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) total += Number(amount) * units[unit!]!;
  return total <= 9e12 ? Math.round(total) : null;
}

/** `1m30s`, in the form of a host file. */
export function durationText(ms: number): string {
  if (ms < 1000 || ms % 1000 !== 0) return `${ms}ms`;
  if (ms % 60_000 !== 0) return ms < 120_000 ? `${ms / 1000}s` : `${Math.floor(ms / 60_000)}m${(ms % 60_000) / 1000}s`;
  return ms % 3_600_000 === 0 ? `${ms / 3_600_000}h` : `${ms / 60_000}m`;
}

/** A size as Compose reads it, `512m`, in bytes: units count in 1024. -1 stands for itself; null if it is none. */
export function parseSize(text: string): number | null {
  return text.trim() === '-1' ? -1 : scaled(text, 1024);
}

/** The same counted in 1000, as log drivers do. */
export const parseDecimalSize = (text: string): number | null => scaled(text, 1000);

function scaled(text: string, step: number): number | null {
  const found = /^(\d+(?:\.\d+)?) ?(?:([kmgtp])i?b?|b)?$/i.exec(text.trim());
  if (!found || text.length > 40) return null;
  const power = found[2] === undefined ? 0 : 'kmgtp'.indexOf(found[2].toLowerCase()) + 1;
  const bytes = Math.floor(Number(found[1]) * step ** power);
  return Number.isSafeInteger(bytes) ? bytes : null;
}

const steps = [
  ['TiB', 2 ** 40],
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['GB', 1e9],
  ['MB', 1e6],
  ['KiB', 2 ** 10],
  ['kB', 1e3],
] as const;

/** `512MiB`, in the form of a host file: the largest unit of which it is a whole number. */
export function sizeText(bytes: number): string {
  const unit = steps.find(([, size]) => bytes >= size && bytes % size === 0);
  return unit === undefined ? `${bytes}B` : `${bytes / unit[1]}${unit[0]}`;
}
