import { type Call, failureData, isRuntimeFailure, runtimeFailure } from '@ostler/sdk';
import type { Connection } from '../engine/connection.ts';

/** Of an entry of the list of containers. */
interface Listening {
  readonly Names?: readonly string[] | null;
  readonly Ports?: readonly { readonly PublicPort?: number }[] | null;
}

/** As engines name what is taken: `Bind for 127.0.0.1:8080 failed`, `listen tcp4 127.0.0.1:8080: bind: address already in use`. */
const taken = /(?:[\d.]+|\[[\da-f:]*\]):(\d{1,5})\b/i;

/** The failure of a start whose port somebody holds, with the name of the container that does; any other as it is. */
export async function withHolder(error: unknown, engine: Connection, call: Call): Promise<unknown> {
  if (!isRuntimeFailure(error) || error.code !== 'conflict' || !error.message.includes('holds that port')) return error;
  const port = Number(taken.exec(error.cause ?? error.message)?.[1]);
  const listed = await engine.json<readonly Listening[]>({ path: '/containers/json', what: 'look who holds a port', signal: call.signal }).catch(() => null);
  const holder = listed?.value.find(({ Ports }) => Ports?.some(({ PublicPort }) => PublicPort === port))?.Names?.[0]?.replace(/^\//, '');
  if (holder === undefined) return error;
  return runtimeFailure({
    ...failureData(error),
    message: error.message.replace(/somebody else holds that port;[^(]*/, `the container ${holder} holds port ${port} `),
  });
}
