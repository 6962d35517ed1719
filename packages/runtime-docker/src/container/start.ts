import { setTimeout as sleep } from 'node:timers/promises';
import { type Call, type EngineFacts, type Folders, type InstanceRef, isRuntimeFailure, type Observed, type Run, runtimeFailure } from '@ostler/sdk';
import type { Supply } from '../build/supply.ts';
import type { Connection } from '../engine/connection.ts';
import type { ContainerJson } from '../engine/json.ts';
import { markStore } from '../engine/store.ts';
import { begun, refusal } from '../errors.ts';
import type { Flavour } from '../flavour.ts';
import { pinnedIn } from '../image/pinned.ts';
import { environmentScript } from '../secret/environment.ts';
import { makeSecretsDir, removeSecretFiles, secretsDirOf, writeSecretFiles } from '../secret/files.ts';
import { accountIn } from './account.ts';
import { createOptions } from './create-options.ts';
import { findContainer, inspectContainer } from './find.ts';
import { isOf, isOurs, nameOf } from './identity.ts';
import { moreOf } from './more.ts';
import { ensureNetwork } from './network.ts';
import { observe } from './observe.ts';

export interface StartGiven {
  readonly engine: Connection;
  readonly flavour: Flavour;
  readonly supply: Supply;
  readonly folders: Folders;
  /** Of the engine, as the agent reaches it. */
  readonly host: string;
  /** What the engine can hold, asked for once. */
  limits(call: Call): Promise<EngineFacts['limits']>;
}

/** Two requests, create and start, under a name that only one container can have: whoever comes second carries on what the first one made. */
export async function startContainer(given: StartGiven, ref: InstanceRef, run: Run, call: Call): Promise<Observed> {
  const { id, isNew } = await create(given, ref, run, call);
  return begun(() => carryOn(given, ref, run, id, isNew, call));
}

async function carryOn(given: StartGiven, ref: InstanceRef, run: Run, id: string, isNew: boolean, call: Call): Promise<Observed> {
  const { engine, flavour, host } = given;
  const before = isNew ? null : await own(engine, ref, id, call);
  if (before !== null) {
    const seen = observe(before, flavour, host);
    if (seen.is === 'exited') removeSecretFiles(given.folders, ref);
    if (seen.is !== 'created') return seen;
  }
  await deliverFiles(given, ref, run, id, before, call);
  await begin(engine, id, run, ref.worker, call);
  const after = observe(await own(engine, ref, id, call), flavour, host);
  if (after.is !== 'created') return after;
  throw runtimeFailure({ code: 'internal', outcome: 'unknown', retryable: true, message: `the engine took the start of ${ref.worker} and has not started it` });
}

async function own(engine: Connection, ref: InstanceRef, id: string, call: Call): Promise<ContainerJson> {
  const found = await inspectContainer(engine, id, ref.worker, call);
  if (found !== null && isOf(found, { ref, handle: null })) return found;
  throw runtimeFailure({ code: 'internal', outcome: 'unknown', retryable: true, message: `the container of ${ref.worker} was removed while it started` });
}

async function create(given: StartGiven, ref: InstanceRef, run: Run, call: Call): Promise<{ readonly id: string; readonly isNew: boolean }> {
  const { engine, flavour, supply, folders } = given;
  const { spec, artifact, secrets } = run;
  if (spec.tty && Object.keys(secrets.env).length > 0)
    throw refusal('unsupported', `${ref.worker} has a terminal, which would show its secret variables in its log; give it secret files instead, or no \`tty\``);
  const needsNetwork = moreOf(spec).networkMode === null;
  const [image, store, limits, network] = await Promise.all([
    supply.find(artifact, call),
    markStore(engine, call),
    given.limits(call),
    needsNetwork ? ensureNetwork(engine, ref.agent, call) : null,
  ]);
  if (image === null) throw refusal('not-found', `${ref.worker} cannot start: the engine has no image ${pinnedIn(artifact).reference}`, true);
  const secretsDir = secrets.files.length === 0 ? null : secretsDirOf(folders, ref);
  // An engine mounts only what exists.
  if (secretsDir !== null) makeSecretsDir(secretsDir);
  const body = createOptions({
    ref,
    run,
    image,
    imageName: image.Id,
    store,
    secretsDir,
    network,
    limits,
    flavour,
  });
  const what = `create the container of ${ref.worker}`;
  try {
    const made = await engine.json<{ readonly Id: string }>({
      method: 'POST',
      path: '/containers/create',
      query: { name: nameOf(ref) },
      body,
      what,
      signal: call.signal,
    });
    return { id: made.value.Id, isNew: true };
  } catch (error) {
    if (isRuntimeFailure(error) && error.code === 'conflict') return { id: await holderOf(engine, ref, call), isNew: false };
    // What was certainly not made needs no secrets.
    if (isRuntimeFailure(error) && error.outcome === 'no') removeSecretFiles(folders, ref);
    throw error;
  }
}

/** Who has the name. It is taken some ms before its container can be looked at. */
async function holderOf(engine: Connection, ref: InstanceRef, call: Call): Promise<string> {
  const name = nameOf(ref);
  for (let waitMs = 5; waitMs < 2000; waitMs *= 2) {
    const found = (await inspectContainer(engine, name, ref.worker, call)) ?? (await findContainer(engine, { ref, handle: null }, call));
    if (found !== null && isOf(found, { ref, handle: null })) return found.Id;
    if (found !== null)
      throw refusal(
        'conflict',
        `the name ${name} is taken by ${isOurs(found) ? 'another agent’s container' : 'a container that is not ostler’s'}; remove or rename that one`,
      );
    await sleep(waitMs, undefined, { signal: call.signal }).catch(() => {});
  }
  throw runtimeFailure({ code: 'internal', outcome: 'unknown', retryable: true, message: `the name ${name} is taken, and the engine shows nobody who has it` });
}

async function deliverFiles({ engine, folders }: StartGiven, ref: InstanceRef, run: Run, id: string, known: ContainerJson | null, call: Call): Promise<void> {
  if (run.secrets.files.length === 0) return;
  const dir = secretsDirOf(folders, ref);
  try {
    makeSecretsDir(dir);
    const owner = await accountIn(engine, known ?? (await own(engine, ref, id, call)), ref.worker, call);
    writeSecretFiles(dir, run.secrets.files, owner);
  } catch (error) {
    removeSecretFiles(folders, ref);
    throw error;
  }
}

async function begin(engine: Connection, id: string, run: Run, worker: string, call: Call): Promise<void> {
  const script = Object.keys(run.secrets.env).length === 0 ? null : environmentScript(run.secrets.env);
  const what = `start the container of ${worker}`;
  const stdin =
    script === null
      ? null
      : await engine.upgrade({
          method: 'POST',
          path: `/containers/${id}/attach`,
          query: { stream: true, stdin: true },
          what: `hand ${worker} its secret environment`,
          isRead: true,
          signal: call.signal,
        });
  // Whether all arrived is told by the container itself, which ends if not.
  stdin?.on('error', () => {});
  try {
    // 304: it runs already.
    await engine.json({ method: 'POST', path: `/containers/${id}/start`, accepts: [304], what, signal: call.signal });
    if (stdin !== null) await new Promise<void>((resolve) => stdin.end(script, resolve));
    stdin?.resume();
  } catch (error) {
    stdin?.destroy();
    throw error;
  }
}
