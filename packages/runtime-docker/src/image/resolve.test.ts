import type { WorkerSpec } from '@ostler/sdk';
import { afterEach, expect, test } from 'vitest';
import type { ImageJson } from '../engine/json.ts';
import { callFor, scriptedEngine } from '../fixtures/scripted-engine.ts';
import { resolveImage } from './resolve.ts';
import { SharedRuns } from './shared-runs.ts';

let engine: Awaited<ReturnType<typeof scriptedEngine>> | undefined;
afterEach(() => engine?.end());

const spec = { name: 'web', more: {} } as unknown as WorkerSpec;
const pull = `web@sha256:${'2'.repeat(64)}`;
const body = JSON.stringify({ Id: 'sha256:1', RepoDigests: [pull] });
const answer = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

test('of many workers with one image the engine is asked once, of another image and at another time anew', async () => {
  engine = await scriptedEngine((socket) => setTimeout(() => socket.write(answer), 20));
  const { connection, requests } = engine;
  const looks = new SharedRuns<ImageJson | null>();
  const resolve = (name: string) => resolveImage(connection, 'docker', name, spec, looks, callFor(5000));
  const all = await Promise.all([...Array.from({ length: 20 }, () => resolve('web:1')), resolve('web:2')]);
  expect(all[19]).toEqual({ reference: 'web:1', id: 'sha256:1', pull });
  expect(requests.map((text) => text.split(' ')[1]).sort()).toEqual(['/images/web:1/json', '/images/web:2/json']);
  await resolve('web:1');
  expect(requests).toHaveLength(3);
});

test('who gives up takes the answer from none of the others', async () => {
  engine = await scriptedEngine((socket) => setTimeout(() => socket.write(answer), 100));
  const looks = new SharedRuns<ImageJson | null>();
  const giving = new AbortController();
  const first = resolveImage(engine.connection, 'docker', 'web:1', spec, looks, callFor(5000, giving.signal));
  const second = resolveImage(engine.connection, 'docker', 'web:1', spec, looks, callFor(5000));
  giving.abort();
  await expect(first).rejects.toMatchObject({ code: 'aborted', outcome: 'no' });
  expect(await second).toMatchObject({ id: 'sha256:1' });
});
