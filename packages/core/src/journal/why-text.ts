import { moment } from './moment.ts';
import type { WhyEntry, WhyLink, WhyNow, WhyReport } from './report.ts';

/** So many entries are told to people; all of them stand in the report, and in `ostler events`. */
const mostEntries = 20;

/** The report as lines for a terminal: how it stands, then what happened, oldest first. No colour: that is the caller's. */
export function whyText(report: WhyReport): string[] {
  const { worker, at, entries, now } = report;
  const present = now === null ? [absent(report)] : nowLines(worker, at, now);
  if (entries.length === 0) return [...present, '', 'The journal has no entry of it.'];
  const told = entries.slice(-mostEntries);
  const left = entries.length - told.length;
  return [
    ...present,
    '',
    `What happened, oldest first${left === 0 ? '' : ` (${left} earlier: ostler events --worker ${worker})`}:`,
    ...told.flatMap(entryLines),
  ];
}

function absent({ worker, at, entries }: WhyReport): string {
  const removed = entries.findLast(({ what }) => what === 'worker.removed');
  if (removed !== undefined) return `${worker}: there is no such worker any more, since ${moment(removed.at, at)}: ${lower(removed.text)}`;
  return `${worker}: there is no such worker${entries.length > 0 ? ' any more' : ''}.`;
}

function nowLines(worker: string, at: string, { state, since, because, lastLines, waitsFor, next, tries, advice }: WhyNow): readonly string[] {
  const did = [...because.flatMap((line) => wrapped(line)), ...lastLines.map(output), ...waitsFor.flatMap((link) => linkLines(link, at))];
  return [
    `${worker}: ${state} since ${moment(since, at)}`,
    '',
    ...labelled('why', did),
    ...labelled('next', wrapped(next)),
    ...(tries === null ? [] : labelled('tries', wrapped(tries))),
    ...labelled('do', advice === null ? ['Nothing: all is well.'] : [advice.command, ...wrapped(`(${advice.what})`)]),
  ];
}

function linkLines({ worker, state, since, because, lastLines }: WhyLink, at: string): readonly string[] {
  const own = [...because.flatMap((line) => wrapped(line, columns - 2)), ...lastLines.map(output)];
  return [`${worker}: ${state} since ${moment(since, at)}`, ...own.map((line) => `  ${line}`)];
}

/** What a worker printed stays as it is. */
const output = (line: string): string => `| ${line}`;

const labelColumns = 9;
const columns = 100 - labelColumns;

/** Lines of at most so many columns, broken between words; a longer word stands as it is. */
function wrapped(text: string, width = columns): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

function labelled(label: string, lines: readonly string[]): readonly string[] {
  return lines.map((line, index) => `  ${index === 0 ? label : ''}`.padEnd(labelColumns) + line);
}

function entryLines({ at, text, before, lastLines }: WhyEntry): string[] {
  const lines = [`  ${at}  ${text}`];
  if (before)
    lines.push(`${indent(at)}(${before.steps === 1 ? 'this' : `these ${before.steps} steps`} ${happened(before.times)} before, last at ${before.lastAt})`);
  for (const line of lastLines) lines.push(`${indent(at)}| ${line}`);
  return lines;
}

const indent = (at: string): string => ' '.repeat(at.length + 4);
const happened = (n: number): string => (n === 1 ? 'happened once' : `happened ${n} times`);
const lower = (text: string): string => `${text.slice(0, 1).toLowerCase()}${text.slice(1)}`;
