import type { Call, WorkerSpec } from '@ostler/sdk';
import type { Connection } from '../engine/connection.ts';
import { networksOf } from './definition.ts';
import { agentOf, externalMissing, foreign, lookAt } from './look.ts';

/** Before anything is changed: external networks are there, and a name that the host file has chosen is not that of somebody's who is no ostler. */
export async function verifyNetworks(engine: Connection, spec: WorkerSpec, call: Call): Promise<void> {
  for (const [network, { definition }] of networksOf(spec)) {
    if (definition === null || (definition.name === null && !definition.external)) continue;
    const name = definition.name ?? network;
    const found = await lookAt(engine, name, `look at the network ${name}`, call);
    if (definition.external && found === null) throw externalMissing(name);
    if (!definition.external && found !== null && agentOf(found) === null) throw foreign(found, network);
  }
}
