import type { Call } from '@ostler/sdk';
import type { Connection } from '../engine/connection.ts';
import type { ImageJson } from '../engine/json.ts';

/** An image that the engine has; `null` = it has not. */
export async function localImage(engine: Connection, name: string, call: Call): Promise<ImageJson | null> {
  const { status, value } = await engine.json<ImageJson>({
    path: `/images/${encodeURIComponent(name).replaceAll('%2F', '/').replaceAll('%3A', ':').replaceAll('%40', '@')}/json`,
    what: `look for the image ${name}`,
    accepts: [404],
    signal: call.signal,
  });
  return status === 404 ? null : value;
}
