import type { PsDocument, PsWorker } from '@ostler/core';
import { ageText } from '../duration.ts';
import type { Colour, Paint } from './colour.ts';
import { printable } from './fit.ts';
import type { Usage } from './rates.ts';
import { type Cell, type Column, textTable } from './text-table.ts';

const stateColours: Readonly<Record<string, Colour>> = {
  healthy: 'green',
  running: 'green',
  done: 'green',
  waiting: 'yellow',
  preparing: 'yellow',
  starting: 'yellow',
  stopping: 'yellow',
  backoff: 'red',
  unhealthy: 'red',
  'crash-looping': 'red',
  failed: 'red',
  unknown: 'magenta',
  stopped: 'dim',
};

export interface PsView {
  readonly document: PsDocument;
  /** Columns of the terminal; `null` = as wide as it gets. */
  readonly width: number | null;
  /** Unix time. */
  readonly nowMs: number;
  readonly paint: Paint;
  /** Given: columns for CPU and memory. */
  readonly usage?: ReadonlyMap<string, Usage> | undefined;
}

/** A line each worker below the titles; `no workers` if there are none. */
export function psTable({ document, width, nowMs, paint, usage }: PsView): string[] {
  if (document.workers.length === 0) return ['no workers'];
  const columns: Column[] = [
    { title: 'NAME' },
    { title: 'RUNTIME', gives: 3 },
    { title: 'STATE' },
    { title: 'SINCE', gives: 4 },
    { title: 'RESTARTS', gives: 2 },
    ...(usage
      ? [
          { title: 'CPU', gives: 6 },
          { title: 'MEMORY', gives: 5 },
        ]
      : []),
    { title: 'PORTS', gives: 1 },
    { title: 'REASON', isElastic: true, gives: 7 },
  ];
  const rows = document.workers.map((worker): Cell[] => [
    { text: worker.name, colour: 'bold' },
    { text: worker.runtime ?? '-' },
    { text: worker.state, colour: stateColours[worker.state] },
    { text: ageText(nowMs - Date.parse(worker.since)) },
    { text: String(worker.restarts), colour: worker.restarts > 0 ? 'yellow' : undefined },
    ...(usage ? usageCells(usage.get(worker.name)) : []),
    { text: portsText(worker) },
    { text: worker.reason },
  ]);
  return textTable(columns, rows, width, paint);
}

/** What stands beside the table: engines that are not up, what is not enforced, what the saved host file says otherwise. */
export function psNotes({ engines, workers }: PsDocument): string[] {
  const pending = workers.filter(({ pendingChange }) => pendingChange).map(({ name }) => name);
  const lines = [
    ...engines.filter(({ state }) => state !== 'up').map(({ runtime, state, reason }) => `${runtime} is ${state}${reason === null ? '' : `: ${reason}`}`),
    ...workers.flatMap(({ name, unenforced }) => unenforced.map((text) => `${name}: ${text}`)),
    ...(pending.length === 0 ? [] : [`the saved host file changes ${pending.join(', ')}: see \`ostler plan\``]),
  ];
  return lines.map(printable);
}

/** Worst first: what `up` and `apply` say of workers that are not well. */
export const workerLine = (worker: PsWorker, paint: Paint): string =>
  `${worker.name}  ${paint(worker.state, stateColours[worker.state] ?? 'magenta')}  ${printable(worker.reason)}`;

const portsText = ({ ports }: PsWorker): string =>
  ports
    .map(({ port, publish, protocol }) => {
      const to = `${port}${protocol === 'tcp' ? '' : `/${protocol}`}`;
      if (publish === null) return to;
      const address = publish.address.includes(':') ? `[${publish.address}]` : publish.address;
      return publish.port === port ? `${address}:${to}` : `${address}:${publish.port}->${to}`;
    })
    .join(', ');

function usageCells(usage: Usage | undefined): Cell[] {
  const cpu = usage?.cpuPercent ?? null;
  const memory = usage?.memoryBytes ?? null;
  return [{ text: cpu === null ? '-' : `${cpu.toFixed(1)}%` }, { text: memory === null ? '-' : bytesText(memory) }];
}

/** `512 B`, `12.3 MiB`. */
export function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let amount = bytes;
  let unit = 0;
  while (amount >= 1024 && unit < units.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? amount : amount.toFixed(1)} ${units[unit]}`;
}
