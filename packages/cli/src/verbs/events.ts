import type { EventRecord, EventsDocument } from '@ostler/core';
import { connect, queryOf } from '../client/client.ts';
import { Failure, problemOf, usage } from '../failure.ts';
import { sayFailure, sayRecord, untilInterrupted, write } from '../print.ts';
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
  if (after !== undefined && !/^\d{1,15}$/.test(after))
    throw usage(
      `--since: \`${printable(after).slice(0, 40)}\` is no cursor`,
      'expected the number that stands before an event, such as 1234; 0 = everything that is kept',
    );
  const client = connect(socketOf(options));
  const paint = paintFor(process.stdout);
  const print = async (event: EventRecord): Promise<void> => write(`${options.json ? JSON.stringify(event) : eventLine(event, paint)}\n`);
  if (!options.follow) {
    const { events } = await client.request<EventsDocument>('GET', `/v1/events?${queryOf({ after, worker })}`);
    for (const event of events) await print(event);
    return 0;
  }
  const { signal, end } = untilInterrupted();
  let last: string | undefined;
  try {
    for await (const event of client.followEvents({ after, worker }, signal)) {
      await print(event);
      last = event.cursor;
    }
    return 0;
  } catch (error) {
    const told = last === undefined ? error : resumable(error, last, worker);
    if (!options.json) return sayFailure(told, options);
    // A line of the stream, so that its reader needs no second way to read.
    const problem = problemOf(told);
    sayRecord({ version: 1, type: 'problem', cursor: last ?? null, error: problem });
    return problem.exitCode;
  } finally {
    end();
  }
}

/** Where the stream ended, the reader is told how to go on without missing anything. */
function resumable(error: unknown, last: string, worker: string | undefined): unknown {
  if (!(error instanceof Failure) || error.problem.code !== 'no-agent') return error;
  const hint = `go on where this ended: ostler events -f --since ${last}${worker === undefined ? '' : ` --worker ${worker}`}`;
  return new Failure({ ...error.problem, hint }, error.exitCode);
}

const eventLine = ({ cursor, at, type, worker, text }: EventRecord, paint: Paint): string =>
  `${paint(cursor, 'dim')}  ${paint(at, 'dim')}  ${worker === null ? '' : `${paint(worker, 'cyan')}  `}${printable(text || type)}`;
