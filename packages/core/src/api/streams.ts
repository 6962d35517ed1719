import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { Cancel, CoreClock } from '../base/clock.ts';
import type { LoopShare } from './loop-share.ts';
import type { EventRecord, LogLine, WireProblem } from './wire.ts';

const keepAliveMs = 15_000;

/** A line for each record; the reader's pace is the pace. An error before the first record is an answer of its own, a later one the last line. */
export async function sendLogs(
  reply: FastifyReply,
  lines: AsyncIterable<LogLine>,
  signal: AbortSignal,
  share: LoopShare,
  told: (error: unknown) => WireProblem,
): Promise<FastifyReply> {
  const iterator = lines[Symbol.asyncIterator]();
  const first = iterator.next();
  // While following, the first record may be long in coming: the head is sent before it, unless the call fails at once.
  await Promise.race([first, new Promise((resolve) => setImmediate(resolve))]);
  const raw = openStream(reply, 'application/x-ndjson');
  raw.flushHeaders();
  try {
    for (let next = await first; !next.done; next = await iterator.next()) if (!(await write(raw, `${JSON.stringify(next.value)}\n`, signal, share))) break;
  } catch (error) {
    if (!signal.aborted) {
      const line: LogLine = {
        ...{ type: 'problem', cursor: null, at: null, worker: '', instance: null, stream: null, data: null, gap: null },
        message: told(error).message,
      };
      await write(raw, `${JSON.stringify(line)}\n`, signal, share);
    }
  } finally {
    raw.end();
    await iterator.return?.().catch(() => {});
  }
  return reply;
}

/** Server-sent events: the cursor is the id, so that a reader that comes back goes on where it was. After an error the stream ends. */
export async function sendEvents(
  reply: FastifyReply,
  records: AsyncIterable<EventRecord>,
  signal: AbortSignal,
  share: LoopShare,
  clock: CoreClock,
  told: (error: unknown) => WireProblem,
): Promise<FastifyReply> {
  const raw = openStream(reply, 'text/event-stream');
  raw.write(': open\n\n');
  let cancel: Cancel;
  const keepAlive = (): void => {
    cancel = clock.after(keepAliveMs, () => {
      // Into a full buffer it would only pile up.
      if (!signal.aborted && !raw.writableNeedDrain) raw.write(': keep-alive\n\n');
      keepAlive();
    });
  };
  keepAlive();
  try {
    for await (const record of records)
      if (!(await write(raw, `id: ${record.cursor}\nevent: ${record.type}\ndata: ${JSON.stringify(record)}\n\n`, signal, share))) break;
  } catch (error) {
    if (!signal.aborted) told(error);
  } finally {
    cancel!();
    raw.end();
  }
  return reply;
}

function openStream(reply: FastifyReply, type: string): ServerResponse {
  reply.hijack();
  // A write that meets a connection that is just gone: its `close` is what counts.
  reply.raw.on('error', () => {});
  return reply.raw.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' });
}

/** Waits for the reader, and for the others; false: there is no reader any more. */
async function write(raw: ServerResponse, text: string, signal: AbortSignal, share: LoopShare): Promise<boolean> {
  if (signal.aborted) return false;
  if (!raw.write(text)) await once(raw, 'drain', { signal }).catch(() => {});
  await share.next();
  return !signal.aborted;
}
