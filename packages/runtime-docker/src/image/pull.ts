import type { Call } from '@ostler/sdk';
import type { Connection } from '../engine/connection.ts';
import { readNdjson } from '../engine/ndjson.ts';
import { abortFailure, answerFailure, lossFailure } from '../errors.ts';
import { registryHeaders } from './credentials.ts';
import { parseReference } from './reference.ts';

interface PullEntry {
  readonly id?: string;
  readonly status?: string;
  readonly error?: string;
  readonly errorDetail?: { readonly message?: string };
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
}

/** Pulls an image by tag or digest; `platform`: of several, `null` = the engine's own. An engine tells of a failure within the stream, with status 200. */
export async function pullImage(engine: Connection, name: string, call: Call, platform: string | null = null): Promise<void> {
  const { repository, registry, tag, digest } = parseReference(name);
  const what = `pull the image ${name}`;
  const asked = { what, isMutating: false };
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
      call.progress(`${name}: ${id === undefined ? '' : `${id} `}${status}`, fractionOf(layers));
    }
  } catch (error) {
    if (call.signal.aborted) throw abortFailure(asked, true);
    if ((error as NodeJS.ErrnoException).code === undefined || 'outcome' in (error as object)) throw error;
    throw lossFailure(error as NodeJS.ErrnoException, asked, engine.endpoint);
  }
}

function fractionOf(layers: ReadonlyMap<string, { readonly current: number; readonly total: number }>): number | undefined {
  const all = [...layers.values()];
  const total = all.reduce((sum, one) => sum + one.total, 0);
  return total === 0 ? undefined : all.reduce((sum, one) => sum + one.current, 0) / total;
}
