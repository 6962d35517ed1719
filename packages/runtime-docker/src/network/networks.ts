import { isIP } from 'node:net';
import type { Call, NetworkDefinition, NetworkUse } from '@ostler/sdk';
import { isRuntimeFailure } from '@ostler/sdk';
import { listContainers } from '../container/find.ts';
import { labels } from '../container/identity.ts';
import type { Connection } from '../engine/connection.ts';
import { refusal } from '../errors.ts';
import type { Flavour } from '../flavour.ts';
import { createBody, definitionDigest, engineName, networkLabels } from './definition.ts';
import { agentOf, externalMissing, foreign, lookAt, lookAtOne, type NetworkJson } from './look.ts';

/** A network that the engine has, as a worker joins it. */
export interface Joined {
  /** The engine's. */
  readonly name: string;
  readonly aliases: readonly string[];
  readonly address: string | null;
  /** Where its containers reach the host: `host-gateway` for the engine to fill in, or an address; `null` = nobody knows. */
  readonly hostAddress: string | null;
}

const what = 'make the networks of this host’s workers';

/** The networks of one engine: made when a worker starts on one, taken away with the last container that was on one of ours. */
export class Networks {
  readonly #engine: Connection;
  readonly #flavour: Flavour;
  /** How many starts are under way on each. */
  readonly #held = new Map<string, number>();
  readonly #removing = new Map<string, Promise<void>>();
  /** Docker makes two of one name for two who ask at a time, whatever it is told of duplicates: one asks after the other. */
  readonly #making = new Map<string, Promise<unknown>>();

  constructor(engine: Connection, flavour: Flavour) {
    this.#engine = engine;
    this.#flavour = flavour;
  }

  /** Makes those that are not there, and keeps them while `use` lasts. Its engine may have lost them since they were last seen, so it is asked each time. */
  async using<T>(agent: string, uses: readonly (readonly [string, NetworkUse])[], call: Call, use: (networks: readonly Joined[]) => Promise<T>): Promise<T> {
    const names = uses.map(([network, { definition }]) => engineName(agent, network, definition));
    for (const name of names) this.#held.set(name, (this.#held.get(name) ?? 0) + 1);
    try {
      await Promise.all(names.map((name) => this.#removing.get(name)));
      const [knowsHost, found] = await Promise.all([uses.length > 0 && this.#knowsHost(call), this.#ensureAll(agent, uses, call)]);
      const joined = uses.map(([, { aliases, address }], index): Joined => {
        const network = found[index]!;
        return { name: network.Name, aliases, address, hostAddress: hostAddressOf(network, knowsHost) };
      });
      return await use(joined);
    } finally {
      for (const name of names) {
        const left = (this.#held.get(name) ?? 1) - 1;
        if (left === 0) this.#held.delete(name);
        else this.#held.set(name, left);
      }
    }
  }

  /** After a container was removed: takes away those of ours among the networks that it was on, where no other container knows them. Says nothing of failures: the next one tries again. */
  async collect(agent: string, names: readonly string[], call: Call): Promise<void> {
    for (const name of names) {
      if (this.#held.has(name) || this.#removing.has(name)) continue;
      const removal = this.#removeUnused(agent, name, call)
        .catch(() => {})
        .finally(() => this.#removing.delete(name));
      this.#removing.set(name, removal);
      await removal;
    }
  }

  async #ensureAll(agent: string, uses: readonly (readonly [string, NetworkUse])[], call: Call): Promise<readonly NetworkJson[]> {
    const found: NetworkJson[] = [];
    for (const [network, { definition }] of uses)
      found.push(await this.#alone(engineName(agent, network, definition), () => this.#ensure(agent, network, definition, call)));
    return found;
  }

  async #alone<T>(name: string, run: () => Promise<T>): Promise<T> {
    const own = (this.#making.get(name) ?? Promise.resolve()).catch(() => {}).then(run);
    this.#making.set(name, own);
    try {
      return await own;
    } finally {
      if (this.#making.get(name) === own) this.#making.delete(name);
    }
  }

  /** A Docker without its default bridge refuses to start who asks for the host's address, and Podman 4 writes down `host-gateway` as if it were one. */
  async #knowsHost(call: Call): Promise<boolean> {
    return this.#flavour === 'docker' && (await lookAt(this.#engine, 'bridge', what, call)) !== null;
  }

  async #removeUnused(agent: string, name: string, call: Call): Promise<void> {
    const others = await listContainers(this.#engine, [`${labels.agent}=${agent}`], call);
    if (others.some(({ NetworkSettings }) => Object.hasOwn(NetworkSettings?.Networks ?? {}, name))) return;
    const found = await lookAt(this.#engine, name, what, call);
    if (found === null || agentOf(found) !== agent || this.#held.has(name)) return;
    // Of a person's own containers on it the engine knows, and keeps it.
    await this.#engine.json({
      method: 'DELETE',
      path: `/networks/${found.Id}`,
      what: `remove the network ${name}`,
      accepts: [403, 404, 409, 500],
      signal: call.signal,
    });
  }

  async #ensure(agent: string, network: string, definition: NetworkDefinition | null, call: Call): Promise<NetworkJson> {
    const name = engineName(agent, network, definition);
    const found = await lookAtOne(this.#engine, agent, name, what, call);
    if (definition?.external) {
      if (found === null) throw externalMissing(name);
      return found;
    }
    if (found !== null) {
      if (agentOf(found) !== agent) throw foreign(found, network);
      if ((found.Labels?.[networkLabels.definition] ?? definitionDigest(null)) === definitionDigest(definition)) return found;
      await this.#takeAway(agent, found, call);
    }
    await this.#make(name, agent, network, definition, call);
    const made = await lookAt(this.#engine, name, what, call);
    if (made !== null && agentOf(made) === agent) return made;
    throw made === null ? refusal('internal', `the engine took the network ${name} and has none of that name`, true) : foreign(made, network);
  }

  async #make(name: string, agent: string, network: string, definition: NetworkDefinition | null, call: Call): Promise<void> {
    try {
      // 409: somebody was faster.
      await this.#engine.json({
        method: 'POST',
        path: '/networks/create',
        body: createBody(name, agent, network, definition),
        accepts: [409],
        what,
        isRead: true,
        signal: call.signal,
      });
    } catch (error) {
      if (!isRuntimeFailure(error) || !/overlap|already (?:being )?used/i.test(error.message)) throw error;
      const range = (definition?.subnets ?? []).map(({ subnet }) => subnet).join(', ');
      throw refusal(
        'conflict',
        `the network ${network} cannot have the addresses ${range}: another network of this host has them; \`docker network inspect\` and \`ip addr\` say which (${error.message})`,
        true,
      );
    }
  }

  /** What the host file says of it has changed: made anew, as soon as nobody runs on it. Ended containers, which are kept for their logs, are let go of it. */
  async #takeAway(agent: string, { Id, Name }: NetworkJson, call: Call): Promise<void> {
    const { signal } = call;
    const known = (await listContainers(this.#engine, [`${labels.agent}=${agent}`], call)).filter(({ NetworkSettings }) =>
      Object.hasOwn(NetworkSettings?.Networks ?? {}, Name),
    );
    const running = known.filter(({ State }) => State === 'running' || State === 'paused');
    if (running.length > 0) {
      const workers = running.flatMap((one) => one.Labels?.[labels.worker] ?? []).join(', ');
      throw refusal(
        'conflict',
        `the network ${Name} is to be made anew, for the host file says something else of it now, and ${workers} still runs on it as it was; it is made when that has stopped`,
        true,
      );
    }
    for (const { Id: container } of known)
      await this.#engine.json({
        method: 'POST',
        path: `/networks/${Id}/disconnect`,
        body: { Container: container, Force: true },
        what,
        accepts: [403, 404, 409, 500],
        isRead: true,
        signal,
      });
    const { status } = await this.#engine.json({ method: 'DELETE', path: `/networks/${Id}`, what, accepts: [403, 404, 409], isRead: true, signal });
    if (status !== 403 && status !== 409) return;
    throw refusal(
      'conflict',
      `the network ${Name} is to be made anew, and a container that is not ostler’s is on it; disconnect that one: \`docker network inspect ${Name}\``,
      true,
    );
  }
}

/** From a network that leads nowhere, the engine's default bridge cannot be reached, but the host's end of that network can. Podman's has none: `<nil>`. */
function hostAddressOf({ Internal, IPAM }: NetworkJson, knowsHost: boolean): string | null {
  if (knowsHost && Internal !== true) return 'host-gateway';
  const gateways = (IPAM?.Config ?? []).map(({ Gateway }) => (Gateway ?? '').replace(/\/\d+$/, ''));
  return gateways.find((gateway) => isIP(gateway) !== 0) ?? null;
}
