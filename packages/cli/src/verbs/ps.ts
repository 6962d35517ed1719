import type { PsDocument } from '@ostler/core';
import { connect } from '../client/client.ts';
import { note, say, sayJson, sayRecord, untilInterrupted } from '../print.ts';
import { socketOf } from '../socket.ts';
import { paintFor } from '../table/colour.ts';
import { readyToMeasure } from '../table/fit.ts';
import { psNotes, psTable } from '../table/ps-table.ts';
import { watchWorkers } from '../table/watch.ts';
import type { CommonOptions } from '../verb.ts';

interface PsOptions extends CommonOptions {
  readonly follow?: boolean | undefined;
}

export async function run(options: PsOptions, _args: string[]): Promise<number> {
  const client = connect(socketOf(options));
  if (!options.follow) {
    const document = await client.ps();
    if (options.json) sayJson(document);
    else await print(document, options);
    return 0;
  }
  const { signal, end } = untilInterrupted();
  try {
    if (process.stdout.isTTY && !options.json) {
      const { liveTable } = await import('../table/live.ts');
      await liveTable(client, { signal });
      return 0;
    }
    let shown = '';
    for await (const { document, cursor } of watchWorkers(client, signal)) {
      const text = JSON.stringify(document);
      if (text === shown) continue;
      if (options.json) sayRecord({ type: 'ps', cursor, ...document });
      else {
        if (shown !== '') say('');
        await print(document, options);
      }
      shown = text;
    }
    return 0;
  } finally {
    end();
  }
}

async function print(document: PsDocument, options: PsOptions): Promise<void> {
  await readyToMeasure(JSON.stringify(document));
  const paint = paintFor(process.stdout);
  const width = process.stdout.isTTY ? process.stdout.columns : null;
  for (const line of psTable({ document, width, nowMs: Date.now(), paint })) say(line);
  for (const line of psNotes(document)) note(line, options);
}
