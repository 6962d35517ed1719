import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { CoreClock } from '../base/clock.ts';
import type { Control } from './control.ts';
import { ExecConnection } from './exec-connection.ts';
import { type Problems, Refused } from './problems.ts';
import { execQuery } from './query.ts';

export interface ExecGiven {
  readonly control: Control;
  readonly problems: Problems;
  readonly clock: CoreClock;
  /** Aborts when the agent ends. */
  readonly ended: AbortSignal;
}

/** Handles `Upgrade: ostler-exec/1`: a command in a worker, its streams as frames both ways. */
export function serveExec(given: ExecGiven): (request: IncomingMessage, socket: Socket, head: Buffer) => void {
  const { control, problems } = given;
  return (request, socket, head) => void begin(request, new ExecConnection(socket, head, given));

  async function begin(request: IncomingMessage, connection: ExecConnection): Promise<void> {
    try {
      const { worker, argv, tty, user } = asked(request, problems);
      await connection.carry(await control.exec(worker, argv, { tty, user }, connection.signal));
    } catch (error) {
      connection.refuse(error);
    }
  }
}

function asked({ url = '/', method, headers }: IncomingMessage, problems: Problems) {
  if (headers.origin !== undefined) throw new Refused(403, 'requests of web pages are not served');
  const [path = '', search = ''] = url.split(/\?(.*)/s);
  const name = /^\/v1\/workers\/([^/]+)\/exec$/.exec(path)?.[1];
  if (name === undefined || method !== 'POST' || headers.upgrade !== 'ostler-exec/1')
    throw new Refused(404, 'only POST /v1/workers/NAME/exec is served over an upgraded connection, as ostler-exec/1');
  const worker = problems.worker(name);
  const query: Record<string, unknown> = Object.create(null);
  for (const [key, value] of new URLSearchParams(search)) query[key] = key in query ? [query[key], value] : value;
  const { argv, tty = false, user = null } = problems.read(execQuery, { ...query }, 'query');
  return { worker, argv, tty, user };
}
