const unitsMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `1m30s` -> 90000; null if it is no duration. Units are `ms s m h d`, the larger first; a fraction is allowed (`0.5s`). */
export function parseDuration(text: string): number | null {
  if (text.length > 40 || !/^(?:\d+(?:\.\d+)?(?:ms|[smhd]))+$/.test(text)) return null;
  let totalMs = 0;
  let lastMs = Number.POSITIVE_INFINITY;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g)) {
    const unitMs = unitsMs[unit as keyof typeof unitsMs];
    if (unitMs >= lastMs) return null;
    lastMs = unitMs;
    totalMs += Number(amount) * unitMs;
  }
  const roundedMs = Math.round(totalMs);
  return Number.isSafeInteger(roundedMs) ? roundedMs : null;
}

/** `12s`, `4m`, `3h`, `12d`: how long ago something was, as coarse as a table needs it. */
export function ageText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}
