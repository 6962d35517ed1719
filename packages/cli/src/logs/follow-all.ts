import type { Client } from '../client/client.ts';
import type { Output } from './background-output.ts';
import { LinePrinter, type LogStyle } from './line-printer.ts';

export interface FollowAsked {
  /** `null` = all, and those that are added later. */
  readonly workers: readonly string[] | null;
  readonly tailLines?: number | undefined;
  /** RFC 3339. */
  readonly since?: string | undefined;
  readonly instance?: string | undefined;
}

/** Prints what workers print, as it comes, until `signal` is aborted or all logs have ended. False: one could not be read. */
export async function followAll(client: Client, asked: FollowAsked, style: LogStyle, signal: AbortSignal, output?: Output): Promise<boolean> {
  const { workers, ...from } = asked;
  const ending = new AbortController();
  const all = AbortSignal.any([signal, ending.signal]);
  const names = workers ?? (await client.ps({ signal: all })).workers.map(({ name }) => name);
  const printer = new LinePrinter(style, names, output);
  const followed = new Map<string, Promise<void>>();
  // Of workers that were removed: what was printed before they come back is not printed again.
  const endedAt = new Map<string, string>();
  let failed: { readonly error: unknown } | null = null;

  const run = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!all.aborted) failed ??= { error };
      ending.abort();
    }
  };
  const follow = (worker: string, asOf: typeof from): void => {
    if (followed.has(worker)) return;
    const print = async (): Promise<void> => {
      for await (const line of client.logs(worker, { ...asOf, follow: true }, all)) await printer.print(line);
      if (workers !== null) return;
      endedAt.set(worker, new Date().toISOString());
      followed.delete(worker);
    };
    followed.set(worker, run(print));
  };
  const newcomers = async (): Promise<void> => {
    const look = async (): Promise<void> => {
      for (const { name } of (await client.ps({ signal: all })).workers) follow(name, { since: endedAt.get(name) });
    };
    for await (const { worker } of client.followEvents({}, all)) if (worker !== null && !followed.has(worker)) await look();
  };

  for (const name of names) follow(name, from);
  if (workers === null) await run(newcomers);
  else await Promise.all(followed.values());
  ending.abort();
  await Promise.all(followed.values());
  await printer.end();
  if (failed !== null && !signal.aborted) throw (failed as { readonly error: unknown }).error;
  return !printer.hasFailed;
}
