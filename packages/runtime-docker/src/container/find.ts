import { type Call, runtimeFailure, type Target } from '@ostler/sdk';
import type { Connection } from '../engine/connection.ts';
import type { ContainerJson, ListedJson } from '../engine/json.ts';
import { storeOf, unmarked } from '../engine/store.ts';
import { idIn, isOf, isOurs, labels, nameOf } from './identity.ts';

/** What a name or an id leads to; `null` = nothing. */
export async function inspectContainer(engine: Connection, key: string, worker: string, call: Call): Promise<ContainerJson | null> {
  const { status, value } = await engine.json<ContainerJson>({
    path: `/containers/${key}/json`,
    what: `look at the container of ${worker}`,
    accepts: [404],
    signal: call.signal,
  });
  return status === 404 ? null : value;
}

/** The container of a ref: by its handle, its name, and, since a person can rename it, by its labels. `null` = this engine has none. */
export async function findContainer(engine: Connection, target: Target, call: Call): Promise<ContainerJson | null> {
  const { ref } = target;
  const keys = [idIn(target.handle), nameOf(ref)].filter((key) => key !== null);
  for (const key of keys) {
    const found = await inspectContainer(engine, key, ref.worker, call);
    if (found !== null && isOf(found, target)) return found;
  }
  for (const id of await idsOf(engine, [`${labels.agent}=${ref.agent}`, `${labels.instance}=${ref.instance}`], call)) {
    const found = await inspectContainer(engine, id, ref.worker, call);
    if (found !== null && isOf(found, target)) return found;
  }
  return null;
}

async function idsOf(engine: Connection, label: readonly string[], call: Call): Promise<readonly string[]> {
  return (await listContainers(engine, label, call)).filter(isOurs).map((one) => one.Id);
}

/** In any state. Takes no lock of a container: an engine with a wedged one still answers. */
export async function listContainers(engine: Connection, label: readonly string[], call: Call): Promise<readonly ListedJson[]> {
  const { value } = await engine.json<readonly ListedJson[]>({
    path: '/containers/json',
    query: { all: true, filters: JSON.stringify({ label }) },
    what: 'list the containers of this agent',
    signal: call.signal,
  });
  return value;
}

/**
 * What `ask` finds, and the store in which it looked. Between two requests an engine may come back with another store, and "nothing" of that one is
 * no evidence: the store has to be the same before and after.
 */
export async function withinOneStore<T>(engine: Connection, call: Call, ask: () => Promise<T>): Promise<{ readonly store: string; readonly found: T }> {
  let store = await storeOf(engine, call);
  for (;;) {
    const found = await ask();
    const after = await storeOf(engine, call);
    if (after === store) return { store, found };
    // The first start of all gave it its name meanwhile.
    if (store !== unmarked) break;
    store = after;
  }
  throw runtimeFailure({ code: 'engine-down', outcome: 'no', retryable: true, message: 'the engine came back with another store while it was asked' });
}
