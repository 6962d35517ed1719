import type { EventRecord, EventsDocument } from '@ostler/core';
import { connect, queryOf } from '../client/client.ts';
import { sayRecord, untilInterrupted, write } from '../print.ts';
import { socketOf } from '../socket.ts';
import { type Paint, paintFor } from '../table/colour.ts';
import { printable } from '../table/fit.ts';
import type { CommonOptions } from '../verb.ts';

interface EventsOptions extends CommonOptions {
  readonly follow?: boolean | undefined;
  /** A cursor. */
  readonly since?: string | undefined;
  readonly worker?: string | undefined;
}

export async function run(options: EventsOptions, _args: string[]): Promise<number> {
  const { since: after, worker } = options;
  const client = connect(socketOf(options));
  const paint = paintFor(process.stdout);
  const print = async (event: EventRecord): Promise<void> => (options.json ? sayRecord(event) : write(`${eventLine(event, paint)}\n`));
  if (!options.follow) {
    const { events } = await client.request<EventsDocument>('GET', `/v1/events?${queryOf({ after, worker })}`);
    for (const event of events) await print(event);
    return 0;
  }
  const { signal, end } = untilInterrupted();
  try {
    for await (const event of client.followEvents({ after, worker }, signal)) await print(event);
    return 0;
  } finally {
    end();
  }
}

const eventLine = ({ at, type, worker, text }: EventRecord, paint: Paint): string =>
  `${paint(at, 'dim')}  ${worker === null ? '' : `${paint(worker, 'cyan')}  `}${printable(text || type)}`;
