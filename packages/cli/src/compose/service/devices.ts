import { entryOf, type Node } from '../file/node.ts';
import { Text } from '../file/text.ts';
import { type Out, record } from '../out.ts';
import type { Service } from './service.ts';

/** `devices`, and GPUs in each of the forms that Compose has for them. */
export function writeDevices(service: Service): void {
  const { fields } = service;
  const gpus: Gpu[] = [];
  const devices = fields.list('devices').flatMap((item): readonly Out[] => {
    const written = item.is === 'map' ? longDevice(item, service) : item.is === 'scalar' ? item.text : null;
    if (written === null) {
      service.project.troubles.add(`${fields.where}.devices: expected /dev/NAME, with an optional :/dev/INSIDE:rwm`, item.at);
      return [];
    }
    const vendor = /^([a-z0-9.-]+\/[a-z0-9.-]+)=(.+)$/i.exec(written.now);
    if (vendor === null) return [written];
    if (vendor[1] === 'nvidia.com/gpu') gpus.push(vendor[2] === 'all' ? { count: 'all', ids: [] } : { count: null, ids: [Text.of(vendor[2]!)] });
    else fields.left('devices', `\`${written.now}\` names a device of a vendor (CDI); ostler gives devices by path, and NVIDIA’s GPUs by \`gpu\``);
    return [];
  });
  service.write('devices', devices);
  gpus.push(...asked(service), ...reserved(service), ...byRuntime(service));
  const [first, ...more] = gpus;
  if (first === undefined) return;
  const ids = gpus.flatMap((gpu) => gpu.ids);
  const count = [first, ...more].find((gpu) => gpu.count !== null)?.count ?? null;
  service.write('gpu', ids.length > 0 ? record({ ids }) : record({ count: count ?? 'all' }));
}

interface Gpu {
  readonly count: number | 'all' | null;
  readonly ids: readonly Text[];
}

function longDevice(item: Node & { readonly is: 'map' }, { fields }: Service): Text | null {
  const device = fields.within(item, 'devices');
  device.only(['source', 'target', 'permissions']);
  const [source, target, permissions] = [device.text('source'), device.text('target'), device.text('permissions')];
  if (source === null) return null;
  if (target === null && permissions === null) return source;
  const inside = target ?? source;
  return new Text([...source.pieces, ':', ...inside.pieces, ...(permissions === null ? [] : [':', ...permissions.pieces])]);
}

/** `gpus: all`, or a list of wishes. */
function asked(service: Service): readonly Gpu[] {
  const node = service.fields.node('gpus');
  if (node === undefined) return [];
  if (node.is === 'scalar') {
    if (node.text?.now === 'all') return [{ count: 'all', ids: [] }];
    service.fields.bad('gpus', 'expected `all`, or a list of { driver, count, device_ids }');
    return [];
  }
  return service.fields.list('gpus').flatMap((item) => wish(item, 'gpus', service, true));
}

/** `deploy.resources.reservations`. */
function reserved(service: Service): readonly Gpu[] {
  const reservations = service.fields.map('deploy')?.map('resources')?.map('reservations') ?? null;
  if (reservations === null) return [];
  reservations.only(['cpus', 'memory', 'devices', 'generic_resources']);
  for (const key of ['cpus', 'memory', 'generic_resources'])
    if (reservations.has(key)) reservations.left(key, 'ostler limits CPU and memory and reserves none');
  return reservations.list('devices').flatMap((item) => wish(item, 'deploy.resources.reservations.devices', service, false));
}

function wish(item: Node, key: string, service: Service, isGpu: boolean): readonly Gpu[] {
  if (item.is !== 'map') {
    service.project.troubles.add(`${service.fields.where}.${key}: expected { driver, count, device_ids, capabilities }`, item.at);
    return [];
  }
  const fields = service.fields.within(item, key);
  fields.only(['driver', 'count', 'device_ids', 'capabilities', 'options']);
  const driver = fields.text('driver')?.now ?? 'nvidia';
  const capabilities = entryOf(item, 'capabilities')?.is === 'list' ? fields.texts('capabilities').map(({ text }) => text.now) : [];
  if (driver !== 'nvidia' || !(isGpu || capabilities.some((one) => one === 'gpu' || one === 'nvidia'))) {
    fields.left('', `of devices that are reserved ostler knows GPUs of NVIDIA, not \`${driver}\` with ${capabilities.join(', ') || 'nothing'}`);
    return [];
  }
  if (fields.has('options')) fields.left('options', 'a GPU has no options');
  const ids = fields.texts('device_ids').map(({ text }) => text);
  const written = fields.now('count');
  const count = written === null || written === 'all' || written === '-1' ? 'all' : Number(written);
  if (count !== 'all' && !(Number.isInteger(count) && count > 0)) fields.bad('count', 'expected a number or `all`');
  return [ids.length > 0 ? { count: null, ids } : { count, ids: [] }];
}

/** `runtime: nvidia`, which says by the environment which ones. */
function byRuntime(service: Service): readonly Gpu[] {
  const runtime = service.fields.now('runtime');
  if (runtime === null || runtime === '' || runtime === 'runc') return [];
  if (runtime !== 'nvidia') {
    service.fields.left('runtime', 'the engine’s own runtime is used');
    return [];
  }
  const visible = service.fields.pairs('environment').find(({ name }) => name === 'NVIDIA_VISIBLE_DEVICES')?.text?.now ?? 'all';
  if (/^(none|void|)$/.test(visible)) return [];
  return [visible === 'all' ? { count: 'all', ids: [] } : { count: null, ids: visible.split(',').map((id) => Text.of(id)) }];
}
