import { createLogUpdate } from 'log-update';
import type { Client } from '../client/client.ts';
import { paintFor } from './colour.ts';
import { cut, readyToMeasure } from './fit.ts';
import { psNotes, psTable } from './ps-table.ts';
import { type Shown, watchWorkers } from './watch.ts';

export interface LiveGiven {
  readonly signal: AbortSignal;
  /** A line below the table. */
  readonly footer?: string | undefined;
}

/** The table of workers on the terminal, drawn over itself, until `signal` is aborted. The last state stays. Throws when the agent goes away. */
export async function liveTable(client: Client, { signal, footer }: LiveGiven): Promise<void> {
  await readyToMeasure();
  const out = process.stdout;
  const update = createLogUpdate(out);
  let last: Shown | null = null;
  const draw = (): void => {
    if (last !== null) update(frameOf(last, footer, { columns: out.columns ?? 80, rows: out.rows ?? 24 }).join('\n'));
  };
  // What was drawn for another width is wrapped now and cannot be counted: the whole screen is drawn anew.
  const redraw = (): void => {
    update.clear();
    out.write('\u001b[2J\u001b[H');
    draw();
  };
  out.on('resize', redraw);
  try {
    for await (const shown of watchWorkers(client, signal)) {
      last = shown;
      draw();
    }
  } finally {
    out.off('resize', redraw);
    update.done();
  }
}

/** Never higher than the screen: what does not fit is counted. */
function frameOf({ document, usage }: Shown, footer: string | undefined, screen: { readonly columns: number; readonly rows: number }): string[] {
  // The last column stays free: some terminals wrap a line that fills it.
  const width = Math.max(1, screen.columns - 1);
  const paint = paintFor(process.stdout);
  const table = psTable({ document, width, nowMs: Date.now(), paint, usage });
  const notes = psNotes(document).map((line) => paint(cut(line, width), 'yellow'));
  const below = footer === undefined ? [] : [paint(cut(footer, width), 'dim')];
  const room = Math.max(2, screen.rows - 1 - below.length);
  const rest = table.length - room;
  const shown = rest > 0 ? [...table.slice(0, room - 1), cut(`… and ${rest + 1} more`, width)] : table;
  return [...shown, ...notes.slice(0, Math.max(0, room - shown.length)), ...below];
}
