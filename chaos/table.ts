import type { Outcome } from './chaos.ts';

const invariants = [
  'one instance',
  'dependencies first',
  'held is not started',
  'no death without a cause',
  'the agent stays up',
  'commands are answered',
  'the journal has no gap and no repetition',
  'comes to rest',
  'what is said is what is',
  'the agent gathers nothing',
  'down leaves nothing',
];

/** The outcome for people; `again`: the command that does the same. */
export function report({ faults, leftOut, agents, events, settledMs, usage, summary, violations }: Outcome, again: string): string {
  const rows: (readonly [string, string])[] = [...faults].sort((a, b) => b[1] - a[1]).map(([name, times]) => [name, String(times)] as const);
  const outage = (of: { readonly worker: number; readonly ms: number } | null | undefined): string =>
    of == null ? '-' : `${Math.round(of.ms)} (w${String(of.worker).padStart(2, '0')})`;
  rows.push(['agents', String(agents)], ['events in the journal', String(events)]);
  if (summary !== null)
    rows.push(
      ['starts seen', String(summary.starts)],
      ['restarts among them', String(summary.restarts)],
      ['deaths judged', String(summary.judgedDeaths)],
      ['longest outage after a crash, ms', outage(summary.longestOutage)],
      ['the same while the agent could act, ms', outage(summary.longestAbleOutage)],
      ['median of these, ms', outage(summary.medianAbleOutage)],
      ['most open files of an agent', String(summary.peakFiles)],
      ['most memory of an agent, MiB', String(Math.round(summary.peakKib / 1024))],
    );
  if (usage !== null)
    rows.push(
      ['open files at rest, before and after', `${usage.before.files} ${usage.after.files}`],
      ['memory at rest, before and after, MiB', `${Math.round(usage.before.kib / 1024)} ${Math.round(usage.after.kib / 1024)}`],
    );
  if (settledMs !== null) rows.push(['from the last fault until all was as wished, ms', String(Math.round(settledMs))]);
  const width = Math.max(...rows.map(([name]) => name.length));
  const broken = new Map(violations.map(({ name }) => [name, violations.filter((one) => one.name === name).length]));
  const held = invariants.map((name) => `  ${broken.has(name) ? `BROKEN ${broken.get(name)} times` : 'held'}: ${name}`);
  const told = violations.slice(0, 3).map(({ name, text, story }) => `\nViolated: ${name}: ${text}\n${story.map((line) => `  ${line}\n`).join('')}`);
  const table = rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
  const more = violations.length === 0 ? [] : [...told, `\nAgain: ${again} (the same faults in the same order; whom they meet hangs on the machine's timing)`];
  return `${[...leftOut, ...table, '', ...held, ...more].join('\n')}\n`;
}
