import type { Call, EngineFacts, Folders, Found, Logger, Observed, RuntimeDriver, Target } from '@ostler/sdk';
import { Supply } from './build/supply.ts';
import type { ContainerOptions, EngineConfig } from './config.ts';
import { accountIn } from './container/account.ts';
import { checkContainer } from './container/check.ts';
import { execInside } from './container/exec.ts';
import { findContainer, listContainers, withinOneStore } from './container/find.ts';
import { labels, nameOf } from './container/identity.ts';
import { listed, observe } from './container/observe.ts';
import { networkOwner } from './container/owner.ts';
import { platformOf, prepareFor } from './container/platform.ts';
import { withProfile } from './container/seccomp.ts';
import { startContainer } from './container/start.ts';
import { usageOf } from './container/stats.ts';
import { endContainer, isRunning, removeContainer, sendSignal } from './container/stop.ts';
import { demandSignal } from './container/stop-signal.ts';
import { verifyVolumes } from './container/volumes.ts';
import { findEndpoint, isMissing } from './endpoint/find.ts';
import { Connection } from './engine/connection.ts';
import { factsOf, infoOf, limitsOf } from './engine/facts.ts';
import type { ContainerJson } from './engine/json.ts';
import { begun, refusal } from './errors.ts';
import { engineNames, type Flavour } from './flavour.ts';
import { ContainerLog } from './log/read.ts';
import { Networks } from './network/networks.ts';
import { verifyNetworks } from './network/verify.ts';
import { makeSecretsDir, removeSecretFiles, secretsDirOf, writeSecretFiles } from './secret/files.ts';
import { watchEvents } from './watch.ts';

export interface ContainerDriverGiven {
  readonly flavour: Flavour;
  readonly config: EngineConfig;
  readonly log: Logger;
  readonly folders: Folders;
}

export type ContainerDriver = RuntimeDriver<ContainerOptions> & Required<Pick<RuntimeDriver, 'signal' | 'exec' | 'stats' | 'deliver' | 'collect'>>;

/** Containers of one engine. Nothing is kept here but connections: who runs is asked of the engine each time. */
export function containerDriver({ flavour, config, log, folders }: ContainerDriverGiven): ContainerDriver {
  const engine = new Connection(() => findEndpoint(flavour, config), flavour);
  const supply = new Supply(engine, flavour, folders);
  const networks = new Networks(engine, flavour);
  const starting = new Map<string, Promise<Observed>>();
  let limits: EngineFacts['limits'] | null = null;

  const look = async (found: ContainerJson, { ref }: Target, call: Call): Promise<Observed> => {
    const seen = observe(found, flavour, engine.host, await networkOwner(engine, found, ref.worker, call));
    if (seen.is === 'exited') removeSecretFiles(folders, seen.ref);
    return seen;
  };
  /** "Gone" is told only with the name of the store that was searched. */
  const search = async (target: Target, call: Call): Promise<ContainerJson | string> => {
    const first = await findContainer(engine, target, call);
    if (first !== null) return first;
    const { store, found } = await withinOneStore(engine, call, () => findContainer(engine, target, call));
    return found ?? store;
  };
  const demand = async (target: Target, call: Call): Promise<ContainerJson> => {
    const found = await findContainer(engine, target, call);
    if (found !== null) return found;
    throw refusal('not-found', `there is no container ${nameOf(target.ref)}`);
  };
  const inspect = async (target: Target, call: Call): Promise<Found> => {
    const found = await search(target, call);
    if (typeof found !== 'string') return look(found, target, call);
    removeSecretFiles(folders, target.ref);
    return { is: 'gone', engine: found };
  };

  return {
    restarts: 'agent',
    async ping(call) {
      await engine.json({ path: '/_ping', what: 'reach the engine', signal: call.signal });
    },
    async facts(call) {
      if (isMissing(flavour, config)) throw refusal('unsupported', `there is no ${engineNames[flavour]} on this host`);
      const facts = await factsOf(engine, flavour, call);
      limits = facts.limits;
      return facts;
    },
    check: (spec, facts) => checkContainer(spec, facts, flavour),
    async resolve(spec, call) {
      await verifyNetworks(engine, spec, call);
      await verifyVolumes(engine, spec, call);
      return withProfile(await supply.resolve(spec, call), spec);
    },
    async prepare({ spec, artifact }, call) {
      const platform = platformOf(spec);
      if (platform === null || !(await prepareFor(engine, artifact, spec, platform, call))) await supply.prepare(artifact, spec, call);
    },
    async start(ref, run, call) {
      // Two at once are one: both get the first one's answer.
      const key = `${ref.worker}/${ref.instance}/${ref.generation}`;
      const given = {
        engine,
        flavour,
        supply,
        networks,
        folders,
        host: engine.host,
        limits: async (by: Call) => {
          limits ??= limitsOf(await infoOf(engine, by));
          return limits;
        },
      };
      const going = starting.get(key) ?? startContainer(given, ref, run, call).finally(() => starting.delete(key));
      starting.set(key, going);
      return going;
    },
    inspect,
    async list(agent, call) {
      const { store, found } = await withinOneStore(engine, call, () => listContainers(engine, [`${labels.agent}=${agent}`], call));
      return { engine: store, instances: found.flatMap((one) => listed(one, flavour) ?? []) };
    },
    watch: (agent, signal) =>
      watchEvents(engine, agent, signal, (error) => log.debug({ runtime: flavour, error: String(error) }, 'the stream of the engine’s events broke')),
    async stop(target, how, call) {
      if (how.signal !== null) demandSignal(how.signal);
      const found = await search(target, call);
      if (typeof found === 'string') return { is: 'gone', engine: found };
      if (!isRunning(found)) return look(found, target, call);
      await endContainer(engine, found, target.ref.worker, how, call);
      return begun(() => inspect(target, call));
    },
    async remove(target, call) {
      const found = await search(target, call);
      if (typeof found !== 'string') {
        if (isRunning(found)) throw refusal('conflict', `${target.ref.worker} ${target.ref.instance} is running; stop it first`);
        await removeContainer(engine, target, found.Id, call);
        await networks.collect(target.ref.agent, Object.keys(found.NetworkSettings?.Networks ?? {}), call);
      }
      removeSecretFiles(folders, target.ref);
    },
    async *logs(target, from, follow, call) {
      yield* new ContainerLog(engine, flavour, await demand(target, call), target.ref.worker, call).read(from, follow);
    },
    async signal(target, name, call) {
      const { Id } = await demand(target, call);
      if (!(await sendSignal(engine, Id, target.ref.worker, demandSignal(name), call)))
        throw refusal('not-running', `${target.ref.worker} is not running, so it got no signal`);
    },
    exec: async (target, argv, io, call) => execInside(engine, await demand(target, call), target.ref.worker, argv, io, call),
    stats(targets, call) {
      const usage = async (target: Target) => {
        const found = await findContainer(engine, target, call);
        return found !== null && isRunning(found) ? usageOf(engine, found, target.ref.worker, call) : null;
      };
      // One that cannot be read, or hangs until the call ends, keeps nobody's from being told.
      return Promise.all(targets.map((target) => usage(target).catch(() => null)));
    },
    async deliver(target, secrets, call) {
      const found = await demand(target, call);
      const dir = secretsDirOf(folders, target.ref);
      if (!isRunning(found) || !(found.Mounts ?? []).some((mount) => mount.Source === dir))
        throw refusal('not-running', `${target.ref.worker} does not run with secret files, so none can be replaced`);
      makeSecretsDir(dir);
      writeSecretFiles(dir, secrets.files, await accountIn(engine, found, target.ref.worker, call));
    },
    collect: (keep, call) => supply.collect(keep, call),
    async close() {
      engine.close();
    },
  };
}
