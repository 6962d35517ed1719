import type { Call } from '@ostler/sdk';
import type { Connection } from '../engine/connection.ts';
import { roomOf } from '../engine/facts.ts';
import { readNdjson } from '../engine/ndjson.ts';
import { abortFailure, answerFailure, lossFailure, refusal } from '../errors.ts';
import { registryHeaders } from './credentials.ts';
import { parseReference } from './reference.ts';

interface PullEntry {
  readonly id?: string;
  readonly status?: string;
  readonly error?: string;
  readonly errorDetail?: { readonly message?: string };
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
}

/** Less than this is not even tried: an engine that runs out of room within a pull may be left with no room for its own records. */
const leastBytes = 64 * 1024 ** 2;

/** Pulls an image by tag or digest; `platform`: of several, `null` = the engine's own. An engine tells of a failure within the stream, with status 200. */
export async function pullImage(engine: Connection, name: string, call: Call, platform: string | null = null): Promise<void> {
  const { repository, registry, tag, digest } = parseReference(name);
  const what = `pull the image ${name}`;
  const asked = { what, isMutating: false };
  const room = await roomOf(engine, call);
  demandRoom(what, room, leastBytes);
  const stream = await engine.stream({
    method: 'POST',
    path: '/images/create',
    query: { fromImage: repository, tag: digest ?? tag ?? 'latest', platform: platform ?? undefined },
    headers: await registryHeaders(registry, call),
    what,
    // What was pulled is in nobody's way: to pull it again is no harm.
    isRead: true,
    signal: call.signal,
  });
  const layers = new Map<string, { readonly current: number; readonly total: number }>();
  try {
    for await (const entry of readNdjson<PullEntry>(stream)) {
      const message = entry.errorDetail?.message ?? entry.error;
      if (message !== undefined) throw answerFailure(500, message, asked);
      const { id, status = '', progressDetail } = entry;
      if (id !== undefined && progressDetail?.total !== undefined && status === 'Downloading')
        layers.set(id, { current: progressDetail.current ?? 0, total: progressDetail.total });
      demandRoom(what, room, neededBytes(layers));
      call.progress(`${name}: ${id === undefined ? '' : `${id} `}${status}`, fractionOf(layers));
    }
  } catch (error) {
    if (call.signal.aborted) throw abortFailure(asked, true);
    if ((error as NodeJS.ErrnoException).code === undefined || 'outcome' in (error as object)) throw error;
    throw lossFailure(error as NodeJS.ErrnoException, asked, engine.endpoint);
  }
}

/** What it takes at least: all layers as they are sent, of which the largest lies beside what was unpacked of it, which is no smaller. */
function neededBytes(layers: ReadonlyMap<string, { readonly total: number }>): number {
  const totals = [...layers.values()].map(({ total }) => total);
  return totals.reduce((sum, one) => sum + one, 0) + Math.max(0, ...totals);
}

/** `room`: as it was before the pull. Breaks a pull off as soon as its own sizes say that it cannot end well. */
function demandRoom(what: string, room: Awaited<ReturnType<typeof roomOf>>, bytes: number): void {
  if (room === null || room.freeBytes >= bytes) return;
  const [free, needed] = [room.freeBytes, bytes].map((one) => `${Math.floor(one / 1024 ** 2)} MiB`);
  throw refusal('no-space', `cannot ${what}: it takes ${needed} at least, and ${free} are free where the engine keeps images (${room.path})`, true);
}

function fractionOf(layers: ReadonlyMap<string, { readonly current: number; readonly total: number }>): number | undefined {
  const all = [...layers.values()];
  const total = all.reduce((sum, one) => sum + one.total, 0);
  return total === 0 ? undefined : all.reduce((sum, one) => sum + one.current, 0) / total;
}
