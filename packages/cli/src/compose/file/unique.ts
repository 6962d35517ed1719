import { splitMount } from '../service/mount-text.ts';
import { parsePort } from '../service/port-text.ts';
import { entryOf, listNode, type MapNode, mapNode, type Node } from './node.ts';

const nowOf = (node: Node | undefined): string => (node?.is === 'scalar' ? (node.text?.now ?? '') : '');
const self = (item: Node): string => nowOf(item);

/** What a list of a service may hold once only: of two that are alike here the later one counts, in the place of the first. */
const keys: Readonly<Record<string, (item: Node) => string>> = {
  volumes: (item) => (item.is === 'map' ? nowOf(entryOf(item, 'target')) : (splitMount(nowOf(item)).target ?? nowOf(item))),
  ports: portKey,
  secrets: (item) => (item.is === 'map' ? nowOf(entryOf(item, 'target')) || nowOf(entryOf(item, 'source')) : self(item)),
  configs: (item) => (item.is === 'map' ? nowOf(entryOf(item, 'target')) || `/${nowOf(entryOf(item, 'source'))}` : `/${self(item)}`),
  env_file: (item) => (item.is === 'map' ? nowOf(entryOf(item, 'path')) : self(item)),
  devices: (item) => (item.is === 'map' ? nowOf(entryOf(item, 'target')) || nowOf(entryOf(item, 'source')) : (self(item).split(':')[1] ?? self(item))),
  tmpfs: (item) => self(item).split(':')[0]!,
  ...Object.fromEntries(
    ['cap_add', 'cap_drop', 'dns', 'dns_opt', 'dns_search', 'expose', 'group_add', 'label_file', 'profiles', 'security_opt'].map((name) => [name, self]),
  ),
};

/** Each list of a service without what was said again. */
export function uniqueService(service: MapNode): MapNode {
  const entries = new Map(service.entries);
  for (const [name, keyOf] of Object.entries(keys)) {
    const entry = entries.get(name);
    if (entry?.value.is !== 'list') continue;
    const items = new Map<string, Node>();
    for (const item of entry.value.items) items.set(keyOf(item), item);
    entries.set(name, { ...entry, value: listNode([...items.values()], entry.value) });
  }
  return mapNode(entries, service);
}

function portKey(item: Node): string {
  if (item.is === 'map') {
    const [address, published, target, protocol] = ['host_ip', 'published', 'target', 'protocol'].map((key) => nowOf(entryOf(item, key)));
    return `${address || '0.0.0.0'}:${published}:${target}/${protocol || 'tcp'}`;
  }
  const port = parsePort(nowOf(item));
  return typeof port === 'string' ? nowOf(item) : `${port.address || '0.0.0.0'}:${port.published}:${port.target}/${port.protocol}`;
}
