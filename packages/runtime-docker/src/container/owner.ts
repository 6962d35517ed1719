import type { Call } from '@ostler/sdk';
import type { Connection } from '../engine/connection.ts';
import type { ContainerJson } from '../engine/json.ts';
import { inspectContainer } from './find.ts';

/** The container whose network another one has joined; `null` = it has one of its own, or that one is gone. */
export async function networkOwner(engine: Connection, { HostConfig }: ContainerJson, worker: string, call: Call): Promise<ContainerJson | null> {
  const id = /^container:([0-9a-f]{12,64})$/.exec(HostConfig.NetworkMode ?? '')?.[1];
  return id === undefined ? null : inspectContainer(engine, id, worker, call);
}
