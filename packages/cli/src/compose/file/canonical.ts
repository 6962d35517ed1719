import type { Reading } from '../fields.ts';
import { type Entry, listNode, type MapNode, mapNode, type Node, scalarNode } from './node.ts';
import { Text } from './text.ts';

/** The short forms of a service as its long ones, so that files can be merged and read in one form. */
export function canonicalService(service: MapNode, reading: Reading): MapNode {
  const entries = new Map(service.entries);
  for (const [key, form] of Object.entries(forms)) {
    const entry = entries.get(key);
    if (entry) entries.set(key, { ...entry, value: form(entry.value, reading) });
  }
  return mapNode(entries, service);
}

/** The same for a volume, network, secret or config. */
export function canonicalResource(resource: Node, reading: Reading): Node {
  return resource.is === 'map' ? inside(resource, { labels: pairs }, reading) : resource;
}

type Form = (node: Node, reading: Reading) => Node;

/** `[A=1, B]` as `{ A: 1, B: null }`. */
const pairs: Form = (node, reading) => {
  if (node.is !== 'list') return node;
  const entries = new Map<string, Entry>();
  for (const item of node.items) {
    if (item.is !== 'scalar' || item.text === null) {
      reading.troubles.add('expected NAME=value', item.at);
      continue;
    }
    const [name, value] = cutAt(item.text, '=');
    const before = item.text.cut('=')[0];
    if (!before.isPlain)
      reading.notes.differs({ of: reading.of, field: name, at: item.at, text: 'a name holds no variables in a host file, so what it is now was written down' });
    entries.set(name, { at: item.at, value: scalarNode(value, item) });
  }
  return mapNode(entries, node);
};

/** `[host:1.2.3.4]` as `{ host: [1.2.3.4] }`. */
const hosts: Form = (node, reading) => {
  const entries = new Map<string, Entry>();
  const add = (name: string, at: Node['at'], values: readonly Node[]): void => {
    const old = entries.get(name)?.value;
    entries.set(name, { at, value: listNode([...(old?.is === 'list' ? old.items : []), ...values], { at }) });
  };
  if (node.is === 'map') for (const [name, { at, value }] of node.entries) add(name, at, value.is === 'list' ? value.items : [value]);
  else
    for (const item of node.is === 'list' ? node.items : []) {
      const text = item.is === 'scalar' ? item.text : null;
      const [name, address] = text === null ? ['', null] : cutAt(text, text.now.includes('=') ? '=' : ':');
      if (address === null) reading.troubles.add('expected HOST:ADDRESS', item.at);
      else add(name, item.at, [scalarNode(bare(address), item)]);
    }
  return mapNode(entries, node);
};
const bare = (address: Text): Text => (/^\[.*\]$/.test(address.now) ? Text.of(address.now.slice(1, -1)) : address);

const oneIsList: Form = (node) => (node.is === 'scalar' && node.text !== null ? listNode([{ ...node, mark: null }], node) : node);

const names =
  (value: (item: Node) => Node): Form =>
  (node, reading) => {
    if (node.is !== 'list') return node;
    const entries = new Map<string, Entry>();
    for (const item of node.items) {
      if (item.is === 'scalar' && item.text !== null) entries.set(item.text.now, { at: item.at, value: value(item) });
      else reading.troubles.add('expected a name', item.at);
    }
    return mapNode(entries, node);
  };

const keyed =
  (key: string): Form =>
  (node) =>
    node.is === 'scalar' && node.text !== null ? mapNode(new Map([[key, { at: node.at, value: { ...node, mark: null } }]]), node) : node;

const inside = (node: MapNode, own: Readonly<Record<string, Form>>, reading: Reading): MapNode => {
  const entries = new Map(node.entries);
  for (const [key, form] of Object.entries(own)) {
    const entry = entries.get(key);
    if (entry) entries.set(key, { ...entry, value: form(entry.value, reading) });
  }
  return mapNode(entries, node);
};

const build: Form = (node, reading) => {
  const whole = keyed('context')(node, reading);
  return whole.is === 'map' ? inside(whole, { args: pairs, labels: pairs, additional_contexts: pairs, extra_hosts: hosts }, reading) : whole;
};
const deploy: Form = (node, reading) => (node.is === 'map' ? inside(node, { labels: pairs }, reading) : node);

const forms: Readonly<Record<string, Form>> = {
  ...{ environment: pairs, labels: pairs, annotations: pairs, sysctls: pairs, extra_hosts: hosts, build, deploy },
  ...{ dns: oneIsList, dns_search: oneIsList, dns_opt: oneIsList, tmpfs: oneIsList, env_file: oneIsList, label_file: oneIsList },
  depends_on: names((item) => mapNode(new Map([['condition', { at: item.at, value: scalarNode(Text.of('service_started'), item) }]]), item)),
  networks: names((item) => scalarNode(null, item)),
  extends: keyed('service'),
};

function cutAt(text: Text, separator: string): readonly [string, Text | null] {
  const at = text.now.indexOf(separator);
  if (at < 0) return [text.now, null];
  const [name, value] = text.cut(separator);
  // The separator stands in a variable.
  return value === null || name.now !== text.now.slice(0, at) ? [text.now.slice(0, at), Text.of(text.now.slice(at + separator.length))] : [name.now, value];
}
