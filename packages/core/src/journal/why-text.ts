import type { WhyEntry, WhyReport } from './why.ts';

/** The report as lines for a terminal: oldest first, the present last. No colour: that is the caller's. */
export function whyText(report: WhyReport): string[] {
  return [...report.entries.flatMap(entryLines), ...presentLines(report)];
}

function entryLines({ at, text, before, lastLines }: WhyEntry): string[] {
  const lines = [`${at}  ${text}`];
  if (before)
    lines.push(`${indent(at)}(${before.steps === 1 ? 'this' : `these ${before.steps} steps`} ${times(before.times)} before, last at ${before.lastAt})`);
  for (const line of lastLines) lines.push(`${indent(at)}| ${line}`);
  return lines;
}

function presentLines({ worker, entries, now }: WhyReport): string[] {
  if (now === null) return [`Now: there is no worker ${worker}${entries.length > 0 ? ' any more' : ''}.`];
  const lines = [`Now: ${now.state} since ${now.since}: ${now.reason}`];
  if (now.heldBy) lines.push(`     held by ${now.heldBy} until it is started by hand`);
  if (now.nextTryAt) lines.push(`     next try at ${now.nextTryAt}`);
  if (now.failuresInARow > 0) lines.push(`     failures in a row: ${now.failuresInARow}`);
  if (now.restartsLeft !== null) lines.push(`     restarts left: ${now.restartsLeft}`);
  return lines;
}

const indent = (at: string) => ' '.repeat(at.length + 2);
const times = (n: number) => (n === 1 ? 'happened once' : `happened ${n} times`);
