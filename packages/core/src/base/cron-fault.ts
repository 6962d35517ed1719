/** Why croner cannot read a line, in the numbers in which it is written: it counts days and months from 0, and tells them so. */
export function cronFault(error: unknown): string {
  const text = (error instanceof Error ? error.message : String(error)).replace(/^Cron(Pattern|Date)?: /, '');
  return text.replace(/(?<=^Invalid value for (day|month|nearestWeekdays): )-?\d+$/, (counted) => String(Number(counted) + 1));
}
