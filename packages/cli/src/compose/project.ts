import { relative, resolve } from 'node:path';
import type { Place } from '@ostler/core';
import { Fields } from './fields.ts';
import { entryOf, type MapNode, type Node } from './file/node.ts';
import type { Scope } from './file/scope.ts';
import { Text } from './file/text.ts';
import { Names } from './names.ts';
import type { Notes } from './notes.ts';
import type { Troubles } from './troubles.ts';

export interface ProjectGiven {
  readonly root: MapNode;
  readonly name: string;
  /** The folder that the host file will stand in. */
  readonly outFolder: string;
  readonly home: string;
  readonly runtime: string;
  readonly scope: Scope;
  readonly troubles: Troubles;
  readonly notes: Notes;
}

/** What a host file must allow in `policy`. */
export type Permission = 'privileged' | 'hostNamespaces' | 'engineSocket' | 'wholeHost';

/** A Compose project that is being carried over: its parts under their new names, and what the services ask of the host file as a whole. */
export class Project {
  readonly given: ProjectGiven;
  readonly workers: Names;
  readonly volumes: Names;
  readonly networks: Names;
  readonly permissions = new Set<Permission>();
  /** Networks and volumes that only a service speaks of: label -> the engine's name; null = ostler's own. */
  readonly addedNetworks = new Map<string, string>();
  readonly addedVolumes = new Set<string>();
  /** Folders of the host that are mounted, to be looked for. Absolute -> where it is named. */
  readonly mounted = new Map<string, Place>();
  readonly #aliases = new Map<string, Set<string>>();
  readonly #containers = new Map<string, string>();
  /** Services that others wait for until they are done. */
  readonly jobs = new Set<string>();

  constructor(given: ProjectGiven) {
    this.given = given;
    this.workers = new Names(this.group('services').keys());
    this.volumes = new Names(this.group('volumes').keys());
    this.networks = new Names(this.group('networks').keys());
    for (const [name, node] of this.group('services')) {
      const container = entryOf(node, 'container_name');
      if (container?.is === 'scalar' && container.text !== null) this.#containers.set(container.text.now, name);
      const needs = entryOf(node, 'depends_on');
      for (const [other, entry] of needs?.is === 'map' ? needs.entries : []) {
        const condition = entryOf(entry.value, 'condition');
        if (condition?.is === 'scalar' && condition.text?.now === 'service_completed_successfully') this.jobs.add(other);
      }
    }
  }

  get troubles(): Troubles {
    return this.given.troubles;
  }

  /** `services`, `volumes`, `networks`, `secrets` or `configs`. */
  group(name: string): ReadonlyMap<string, Node> {
    const group = entryOf(this.given.root, name);
    return new Map(group?.is === 'map' ? [...group.entries].map(([key, entry]) => [key, entry.value]) : []);
  }

  /** The fields of one entry of a group; without any where nothing stands there. null = there is no such entry. */
  fields(group: string, name: string): Fields | null {
    const node = this.group(group).get(name);
    if (node === undefined) return null;
    const map: MapNode = node.is === 'map' ? node : { is: 'map', at: node.at, mark: null, entries: new Map() };
    if (node.is !== 'map' && !(node.is === 'scalar' && node.text === null)) this.troubles.add(`${group}.${name}: expected a map`, node.at);
    return new Fields(map, `${group}.${name}`, { troubles: this.troubles, notes: this.given.notes, of: name });
  }

  serviceOfContainer(name: string): string | null {
    return this.#containers.get(name) ?? (this.group('services').has(name) ? name : null);
  }

  /** Others find the service by this name too. */
  alias(service: string, name: string): void {
    const known = this.#aliases.get(service) ?? new Set();
    if (name !== this.workers.get(service)) known.add(name);
    this.#aliases.set(service, known);
  }

  aliasesOf(service: string): readonly string[] {
    return [...(this.#aliases.get(service) ?? [])];
  }

  /** A path of the Compose file, which stands against `base`, as the host file writes it. */
  path(text: Text, base: string): Text {
    const { outFolder, home } = this.given;
    const { now } = text;
    if (/^~(\/|$)/.test(now)) return Text.of(`${home}${now.slice(1)}`);
    if (now.startsWith('/')) return text;
    if (text.isPlain) return Text.of(shortPath(outFolder, resolve(base, now)));
    const prefix = shortPath(outFolder, base);
    return prefix === '.' ? text : text.before(`${prefix}/`);
  }

  /** Where the path is on this machine. */
  absolute(text: Text, base: string): string {
    const { now } = text;
    return /^~(\/|$)/.test(now) ? `${this.given.home}${now.slice(1)}` : resolve(base, now);
  }
}

/** Against the folder, unless that leads far away from it. */
export function shortPath(folder: string, path: string): string {
  const short = relative(folder, path);
  if (short.startsWith('../..')) return path;
  return short === '' ? '.' : short.startsWith('../') || short === '..' ? short : `./${short}`;
}
