import type { Call } from '@ostler/sdk';
import type { Connection } from '../engine/connection.ts';
import type { ContainerJson } from '../engine/json.ts';
import { refusal } from '../errors.ts';

/** The user that a container's process will be, as numbers. `null` = root. A name is looked up in the container's own /etc/passwd. */
export async function accountIn(
  engine: Connection,
  found: ContainerJson,
  worker: string,
  call: Call,
): Promise<{ readonly uid: number; readonly gid: number } | null> {
  const [user = '', group = ''] = (found.Config.User ?? '').split(':');
  if (user === '' || user === '0' || user === 'root') return null;
  const isNumber = (text: string): boolean => /^\d+$/.test(text);
  if (isNumber(user) && isNumber(group)) return { uid: Number(user), gid: Number(group) };
  const passwd = await fileIn(engine, found.Id, '/etc/passwd', worker, call);
  const entry = passwd
    .split('\n')
    .map((line) => line.split(':'))
    .find((fields) => fields[isNumber(user) ? 2 : 0] === user);
  if (entry === undefined && !isNumber(user)) throw refusal('invalid', `${worker}: the image has no user "${user}"`);
  const uid = isNumber(user) ? Number(user) : Number(entry?.[2]);
  return { uid, gid: isNumber(group) ? Number(group) : Number(entry?.[3] ?? 0) };
}

/** The text of one file, also of a container that never ran; empty if there is none. The engine sends it as a tar of one entry (POSIX ustar). */
async function fileIn(engine: Connection, id: string, path: string, worker: string, call: Call): Promise<string> {
  const query = { path };
  const response = await engine.stream({
    path: `/containers/${id}/archive`,
    query,
    what: `look up the user of ${worker}`,
    accepts: [404],
    signal: call.signal,
  });
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  if (response.statusCode === 404) return '';
  const tar = Buffer.concat(chunks);
  const sizeBytes = Number.parseInt(tar.toString('latin1', 124, 136), 8);
  return Number.isNaN(sizeBytes) ? '' : tar.toString('utf8', 512, 512 + sizeBytes);
}
