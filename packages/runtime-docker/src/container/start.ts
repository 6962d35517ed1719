import { setTimeout as sleep } from 'node:timers/promises';
import { type Call, type EngineFacts, type Folders, type InstanceRef, isRuntimeFailure, type Observed, type Run, runtimeFailure } from '@ostler/sdk';
import type { Supply } from '../build/supply.ts';
import type { Connection } from '../engine/connection.ts';
import type { ContainerJson } from '../engine/json.ts';
import { markStore } from '../engine/store.ts';
import { begun, refusal } from '../errors.ts';
import type { Flavour } from '../flavour.ts';
import { pinnedIn } from '../image/pinned.ts';
import { networksOf } from '../network/definition.ts';
import { joinRest } from '../network/join.ts';
import type { Joined, Networks } from '../network/networks.ts';
import { environmentScript } from '../secret/environment.ts';
import { makeSecretsDir, removeSecretFiles, secretsDirOf, writeSecretFiles } from '../secret/files.ts';
import { accountIn } from './account.ts';
import { createOptions } from './create-options.ts';
import { findContainer, inspectContainer } from './find.ts';
import { isOf, isOurs, nameOf } from './identity.ts';
import { ownerIn } from './more.ts';
import { observe } from './observe.ts';
import { networkOwner } from './owner.ts';
import { imageFor, platformOf } from './platform.ts';
import { withHolder } from './port-holder.ts';
import { seccompOf, withProfileFile } from './seccomp.ts';
import { isRunning } from './stop.ts';
import { ensureVolumes } from './volumes.ts';

export interface StartGiven {
  readonly engine: Connection;
  readonly flavour: Flavour;
  readonly supply: Supply;
  readonly networks: Networks;
  readonly folders: Folders;
  /** Of the engine, as the agent reaches it. */
  readonly host: string;
  /** What the engine can hold, asked for once. */
  limits(call: Call): Promise<EngineFacts['limits']>;
}

/** Two requests, create and start, under a name that only one container can have: whoever comes second carries on what the first one made. */
export async function startContainer(given: StartGiven, ref: InstanceRef, run: Run, call: Call): Promise<Observed> {
  const supplied = supplyFor(given, run, call);
  // Looked for beside the networks, whose failure is told before its own.
  supplied.catch(() => {});
  return given.networks.using(ref.agent, networksOf(run.spec), call, async (networks) => {
    const { id, isNew } = await create(given, ref, run, networks, await supplied, call);
    return begun(() => carryOn(given, ref, run, { id, isNew, networks }, call));
  });
}

interface Created {
  readonly id: string;
  readonly isNew: boolean;
  readonly networks: readonly Joined[];
}

async function carryOn(given: StartGiven, ref: InstanceRef, run: Run, { id, isNew, networks }: Created, call: Call): Promise<Observed> {
  const { engine, flavour, host } = given;
  const look = async (found: ContainerJson): Promise<Observed> => observe(found, flavour, host, await networkOwner(engine, found, ref.worker, call));
  const before = isNew ? null : await own(engine, ref, id, call);
  if (before !== null) {
    const seen = await look(before);
    if (seen.is === 'exited') removeSecretFiles(given.folders, ref);
    if (seen.is !== 'created') return seen;
  }
  await joinRest(engine, id, networks, ref.worker, run.traffic === 'live', before, call);
  await deliverFiles(given, ref, run, id, before, call);
  await begin(engine, id, run, ref.worker, call);
  const after = await look(await own(engine, ref, id, call));
  if (after.is !== 'created') return after;
  throw runtimeFailure({ code: 'internal', outcome: 'unknown', retryable: true, message: `the engine took the start of ${ref.worker} and has not started it` });
}

async function own(engine: Connection, ref: InstanceRef, id: string, call: Call): Promise<ContainerJson> {
  const found = await inspectContainer(engine, id, ref.worker, call);
  if (found !== null && isOf(found, { ref, handle: null })) return found;
  throw runtimeFailure({ code: 'internal', outcome: 'unknown', retryable: true, message: `the container of ${ref.worker} was removed while it started` });
}

type Supplied = Awaited<ReturnType<typeof supplyFor>>;

/** What a container is made of that the engine, and this host, must have before. */
async function supplyFor({ engine, supply, limits }: StartGiven, run: Run, call: Call) {
  const { spec, artifact, secrets } = run;
  if (spec.tty && Object.keys(secrets.env).length > 0)
    throw refusal('unsupported', `${spec.name} has a terminal, which would show its secret variables in its log; give it secret files instead, or no \`tty\``);
  const platform = platformOf(spec);
  const [image, store, known, seccomp, owner] = await Promise.all([
    platform === null ? supply.find(artifact, call) : imageFor(engine, artifact, platform, call),
    markStore(engine, call),
    limits(call),
    seccompOf(spec, artifact),
    ownerOf(engine, run, call),
    ensureVolumes(engine, spec, call),
  ]);
  if (image === null)
    throw refusal(
      'not-found',
      `${spec.name} cannot start: the engine has no image ${pinnedIn(artifact).reference}${platform === null ? '' : ` for ${platform}`}`,
      true,
    );
  return { platform, image, store, limits: known, seccomp, owner };
}

async function create(
  given: StartGiven,
  ref: InstanceRef,
  run: Run,
  networks: readonly Joined[],
  { platform, image, store, limits, seccomp, owner }: Supplied,
  call: Call,
): Promise<Omit<Created, 'networks'>> {
  const { engine, flavour, folders } = given;
  const { secrets } = run;
  const secretsDir = secrets.files.length === 0 ? null : secretsDirOf(folders, ref);
  // An engine mounts only what exists.
  if (secretsDir !== null) makeSecretsDir(secretsDir);
  const bodyWith = (profile: string | null) =>
    createOptions({ ref, run, image, imageName: image.Id, store, secretsDir, networks, owner, seccomp: profile, limits, flavour });
  const place = { flavour, isNear: 'socketPath' in engine.endpoint, dir: folders.state };
  const what = `create the container of ${ref.worker}`;
  try {
    const made = await withProfileFile(seccomp, place, (profile) =>
      engine.json<{ readonly Id: string }>({
        method: 'POST',
        path: '/containers/create',
        query: { name: nameOf(ref), platform: platform ?? undefined },
        body: bodyWith(profile),
        what,
        signal: call.signal,
      }),
    );
    return { id: made.value.Id, isNew: true };
  } catch (error) {
    if (isRuntimeFailure(error) && error.code === 'conflict') return { id: await holderOf(engine, ref, call), isNew: false };
    // What was certainly not made needs no secrets.
    if (isRuntimeFailure(error) && error.outcome === 'no') removeSecretFiles(folders, ref);
    throw error;
  }
}

/** The id of the container whose network it joins; `null` = it has its own. */
async function ownerOf(engine: Connection, { spec, shares }: Run, call: Call): Promise<string | null> {
  const name = ownerIn(spec);
  if (name === null) return null;
  const found = shares === null ? null : await findContainer(engine, shares, call);
  if (found !== null && isRunning(found)) return found.Id;
  throw refusal('not-running', `${spec.name} cannot start: ${name}, whose network it shares, does not run`, true);
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
    throw await withHolder(error, engine, call);
  }
}
