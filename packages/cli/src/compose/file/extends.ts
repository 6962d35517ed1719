import { dirname, resolve } from 'node:path';
import type { Place } from '@ostler/core';
import { type Troubles, trouble } from '../troubles.ts';
import { merged, unmarked } from './merge.ts';
import { type Entry, entryOf, type MapNode, mapNode, type Node, withEntry } from './node.ts';

export interface Extending {
  readonly troubles: Troubles;
  /** Another file, its services in their long form. */
  read(path: string, referrer: Place): Promise<MapNode>;
}

/** The file with each service laid over the one that it extends. `before`: the files before it, whose services can be extended too. */
export async function withExtends(file: MapNode, path: string, before: MapNode | null, given: Extending): Promise<MapNode> {
  const group = entryOf(file, 'services');
  if (group?.is !== 'map') return file;
  const entries = new Map<string, Entry>();
  for (const [name, entry] of group.entries) {
    const value = entry.value.is === 'map' ? await whole(name, entry.value, { file, path, before, chain: [] }, given) : entry.value;
    entries.set(name, { ...entry, value });
  }
  return withEntry(file, 'services', mapNode(entries, group));
}

interface Where {
  readonly file: MapNode;
  readonly path: string;
  readonly before: MapNode | null;
  /** `FILE service NAME` of those that extend. */
  readonly chain: readonly string[];
}

async function whole(name: string, service: MapNode, where: Where, given: Extending): Promise<MapNode> {
  const node = entryOf(service, 'extends');
  if (node === undefined || (node.is === 'scalar' && node.text === null)) return service;
  const here = `${where.path} service ${name}`;
  if (where.chain.includes(here)) {
    const circle = [...where.chain.slice(where.chain.indexOf(here)), here].map((one) => one.split(' service ')[1]).join(' -> ');
    throw trouble(`\`extends\` goes in a circle: ${circle}`, node.at, 'Remove one of them.');
  }
  const entries = new Map(service.entries);
  entries.delete('extends');
  const own = mapNode(entries, service);
  const base = await baseOf(name, node, where, given);
  if (base === null) return own;
  const next = { ...base.where, chain: [...where.chain, here] };
  const below = await whole(base.name, base.service, next, given);
  return mapNode(merged(unmarked(below) as MapNode, own, ['services', name], given.troubles).entries, service);
}

async function baseOf(name: string, node: Node, where: Where, given: Extending) {
  const { troubles } = given;
  const text = (key: string): string | null => {
    const found = entryOf(node, key);
    return found?.is === 'scalar' && found.text !== null && found.text.now !== '' ? found.text.now : null;
  };
  const wanted = text('service');
  const known = ['service', 'file'];
  if (node.is === 'map') for (const [key, entry] of node.entries) if (!known.includes(key)) troubles.unknown(key, `services.${name}.extends`, known, entry.at);
  if (wanted === null) {
    troubles.add(`services.${name}.extends: expected the name of a service, or { service, file }`, node.at);
    return null;
  }
  const other = text('file');
  // A path stands against the file that names it; within the project, against its folder.
  const path = other === null ? where.path : resolve(baseFolder(node, where.path), other);
  const file = path === where.path ? where.file : await given.read(path, node.at);
  const services = [entryOf(file, 'services'), ...(other === null ? [where.before === null ? undefined : entryOf(where.before, 'services')] : [])];
  const service = services.map((group) => entryOf(group, wanted)).find((found) => found?.is === 'map');
  if (service?.is === 'map') return { name: wanted, service, where: { file, path, before: other === null ? where.before : null, chain: [] } };
  const names = services.flatMap((group) => (group?.is === 'map' ? [...group.entries.keys()] : [])).filter((one) => one !== name);
  troubles.add(
    `services.${name}.extends: there is no service \`${wanted}\`${other === null ? '' : ` in ${path}`}`,
    node.at,
    troubles.meant(wanted, names, 'other services'),
  );
  return null;
}

function baseFolder(node: Node, path: string): string {
  const file = entryOf(node, 'file');
  return file?.is === 'scalar' ? file.base : dirname(path);
}
