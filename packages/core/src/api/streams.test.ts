import type { IncomingMessage } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ManualClock, manualClock } from '../probe/fixtures/manual-clock.ts';
import { type Served, serve, until } from './fixtures/served.ts';

let served: Served;
let clock: ManualClock;
beforeEach(async () => {
  clock = manualClock();
  served = await serve(clock);
});
afterEach(() => served.end());

const aborted = (): boolean => served.control.signals.at(-1)!.aborted;
/** What comes, as it comes. */
function reading(response: IncomingMessage): { text: string } {
  const read = { text: '' };
  response.on('data', (chunk: Buffer) => {
    read.text += chunk.toString();
  });
  response.on('error', () => {});
  return read;
}

describe('a stream of logs', () => {
  test('has a record a line and ends by itself', async () => {
    const { text, headers } = await served.ask('/v1/workers/web/logs?tail=3&instance=i');
    expect(
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).type),
    ).toEqual(['log', 'log', 'log']);
    expect(headers['content-type']).toBe('application/x-ndjson');
    expect(served.control.asked).toEqual([{ follow: false, tailLines: 3, since: null, instance: 'i' }]);
  });
  test('of an unknown worker is refused before it begins', async () => {
    expect(await served.ask('/v1/workers/nope/logs')).toMatchObject({ status: 404, json: { code: 'worker-unknown' } });
  });
  test('begins at once, though the worker is quiet, and ends with its reader', async () => {
    const request = served.begin('/v1/workers/web/logs?follow=1&instance=quiet');
    const response = await served.head(request);
    expect([response.statusCode, aborted()]).toEqual([200, false]);
    request.destroy();
    await until(aborted);
  });
  test('that breaks says so in its last line', async () => {
    const { text } = await served.ask('/v1/workers/web/logs?instance=broken');
    expect(JSON.parse(text.trim().split('\n').at(-1)!)).toMatchObject({ type: 'problem', message: 'the disk broke' });
  });
  test('goes at the pace of its reader, and ends when a reader goes that had stopped reading', async () => {
    const request = served.begin('/v1/workers/web/logs?follow=1');
    const response = await served.head(request);
    response.on('error', () => {}).pause();
    let before = -1;
    // It stands still when nothing was pulled for a while.
    await until(() => {
      const isStill = before === served.control.pulled && performance.now() - since > 200;
      if (before !== served.control.pulled) since = performance.now();
      before = served.control.pulled;
      return isStill;
    });
    expect(served.control.pulled).toBeLessThan(10_000);
    request.destroy();
    await until(aborted);
    const { pulled } = served.control;
    expect((await served.ask('/v1/ps')).status).toBe(200);
    expect(served.control.pulled - pulled).toBeLessThanOrEqual(1);
  });
  let since = 0;
  test('ends when the agent does', async () => {
    const response = await served.head(served.begin('/v1/workers/web/logs?follow=1&instance=quiet'));
    response.resume();
    const ended = new Promise((resolve) => response.once('end', resolve));
    await served.api.close();
    await ended;
  });
});

describe('a stream of events', () => {
  const headers = { accept: 'text/event-stream' };
  test('carries cursors as ids and goes on after the last one', async () => {
    const request = served.begin('/v1/events?after=0&worker=web', { headers: { ...headers, 'last-event-id': '1' } });
    const read = reading(await served.head(request));
    await until(() => read.text.includes('id: 3'));
    expect(read.text.match(/^id: \d+$/gm)).toEqual(['id: 2', 'id: 3']);
    expect(read.text).toMatch(/^event: worker\.started\ndata: \{"cursor":"2",/m);
    expect(served.control.asked).toEqual([{ after: '1', worker: 'web' }]);
    request.destroy();
    await until(aborted);
  });
  test('says every 15 s that it is still there', async () => {
    const request = served.begin('/v1/events', { headers });
    const read = reading(await served.head(request));
    await until(() => read.text.includes('id: 3'));
    expect(read.text).not.toContain('keep-alive');
    for (const times of [1, 2]) {
      await clock.advance(15_000);
      await until(() => read.text.match(/^: keep-alive$/gm)?.length === times);
    }
    request.destroy();
  });
  test.each([
    ['a cursor that is none', '/v1/events', { 'last-event-id': 'x' }, 'Last-Event-ID'],
    ['a time to begin at', '/v1/events?since=2030-01-01T00:00:00Z', {}, 'since'],
    ['a limit', '/v1/events?limit=1', {}, 'limit'],
  ])('with %s is refused', async (_, path, more, part) => {
    expect(await served.ask(path, { headers: { ...headers, ...more } })).toMatchObject({
      status: 400,
      json: { code: 'usage', message: expect.stringContaining(part) },
    });
  });
});
