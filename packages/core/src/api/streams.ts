import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { EventRecord, LogLine, WireProblem } from './wire.ts';

const keepAliveMs = 15_000;

/** A line for each record; the reader's pace is the pace. An error before the first record is an answer of its own, a later one the last line. */
export async function sendLogs(
  reply: FastifyReply,
  lines: AsyncIterable<LogLine>,
  signal: AbortSignal,
  told: (error: unknown) => WireProblem,
): Promise<FastifyReply> {
  const iterator = lines[Symbol.asyncIterator]();
  const first = iterator.next();
  // While following, the first record may be long in coming: the head is sent before it, unless the call fails at once.
  await Promise.race([first, new Promise((resolve) => setImmediate(resolve))]);
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
  raw.flushHeaders();
  try {
    for (let next = await first; !next.done; next = await iterator.next()) await write(raw, `${JSON.stringify(next.value)}\n`, signal);
  } catch (error) {
    const { message } = told(error);
    const line: LogLine = { type: 'problem', cursor: null, at: null, worker: '', instance: null, stream: null, data: null, gap: null, message };
    if (!signal.aborted) raw.write(`${JSON.stringify(line)}\n`);
  } finally {
    await iterator.return?.();
    raw.end();
  }
  return reply;
}

/** Server-sent events: the cursor is the id, so that a reader that comes back goes on where it was. */
export async function sendEvents(reply: FastifyReply, records: AsyncIterable<EventRecord>, signal: AbortSignal): Promise<FastifyReply> {
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  raw.write(': open\n\n');
  const alive = setInterval(() => raw.write(': keep-alive\n\n'), keepAliveMs);
  try {
    for await (const record of records) await write(raw, `id: ${record.cursor}\nevent: ${record.type}\ndata: ${JSON.stringify(record)}\n\n`, signal);
  } finally {
    clearInterval(alive);
    raw.end();
  }
  return reply;
}

async function write(raw: ServerResponse, text: string, signal: AbortSignal): Promise<void> {
  if (signal.aborted || raw.write(text)) return;
  await once(raw, 'drain', { signal }).catch(() => {});
}
