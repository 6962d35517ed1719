import { expect, test } from 'vitest';
import type { LogsQuery } from '../api/control.ts';
import { type ScriptedHost, scriptedHost } from '../supervise/fixtures/host.ts';
import { logs } from './logs.ts';
import type { Parts } from './parts.ts';

const whole: LogsQuery = { follow: false, tailLines: null, since: null, instance: null };

/** What somebody has been given so far. */
function reading(host: ScriptedHost, query: Partial<LogsQuery>): { readonly lines: string[]; readonly ended: Promise<void>; stop(): void } {
  const stop = new AbortController();
  const lines: string[] = [];
  const read = async (): Promise<void> => {
    for await (const { type, data, message } of logs({ crew: host.crew() } as Parts, 'api', { ...whole, ...query }, stop.signal))
      lines.push(data === null ? `${type}: ${message}` : Buffer.from(data, 'base64').toString());
  };
  return { lines, ended: read(), stop: () => stop.abort() };
}

test('who follows a worker before its first instance has begun is given all that it prints', async () => {
  const host = await scriptedHost({ api: { startAfterMs: 500, lines: ['listening'] } });
  await host.declare('api');
  const follower = reading(host, { follow: true });
  await host.clock.advance(1000);
  expect(follower.lines).toEqual(['listening\n']);
  follower.stop();
  await follower.ended;
});

test('who stops following before it has begun is let go', async () => {
  const host = await scriptedHost({ api: { startAfterMs: 500, lines: ['listening'] } });
  await host.declare('api');
  const follower = reading(host, { follow: true });
  await host.clock.settle();
  follower.stop();
  await follower.ended;
  expect(follower.lines).toEqual([]);
});

test.each([{}, { tailLines: 5 }])('of an instance that has not begun there is nothing to say yet, and that is no trouble (%o)', async (query) => {
  const host = await scriptedHost({ api: { startAfterMs: 500, lines: ['listening'] } });
  await host.declare('api');
  const reader = reading(host, query);
  await host.clock.settle();
  await reader.ended;
  expect(reader.lines).toEqual([]);
});

test('of one that could not be started nothing is said, and the next one is followed', async () => {
  const host = await scriptedHost({ api: [{ start: 'fail' }, { lines: ['second'] }] });
  await host.declare('api', { restart: { backoff: { first: '1s' } } });
  const follower = reading(host, { follow: true });
  await host.clock.advance(5000);
  expect(follower.lines).toEqual(['second\n']);
  follower.stop();
  await follower.ended;
});
