import type { Place } from '@ostler/core';
import { filledIn, setThem } from '../fields.ts';
import type { Node } from '../file/node.ts';
import type { Text } from '../file/text.ts';
import { type Out, record } from '../out.ts';
import { parseSize, sizeText } from '../quantity.ts';
import { boundTo } from '../volumes.ts';
import { isPath, splitMount } from './mount-text.ts';
import type { Service } from './service.ts';

/** One mount as both forms say it. */
interface Mount {
  readonly at: Place;
  /** null = a volume without a name. */
  readonly source: Text | null;
  readonly target: Text;
  readonly readOnly: boolean;
  readonly base: string;
  readonly isBind: boolean;
}

/** `volumes` and `tmpfs`. */
export function writeMounts(service: Service): void {
  const { fields } = service;
  const memory: Out[] = [];
  const mounts = fields.list('volumes').flatMap((item) => {
    const mount = item.is === 'map' ? longMount(item, service, memory) : shortMount(item, service);
    return mount === null ? [] : (writtenMount(mount, service) ?? []);
  });
  for (const { text, at } of fields.texts('tmpfs')) memory.push(shortTmpfs(text, at, service));
  service.write('mounts', mounts);
  service.write('tmpfs', memory);
}

function shortMount(item: Node, service: Service): Mount | null {
  const { fields, project } = service;
  const text = item.is === 'scalar' ? item.text : null;
  const parts = text === null ? null : splitMount(text.now);
  if (text === null || parts === null || parts.target === null) {
    const found = text === null ? '' : `; found \`${text.now.slice(0, 80)}\``;
    project.troubles.add(`${fields.where}.volumes: expected [SOURCE:]PATH[:ro]${found}`, item.at, setThem(text));
    return null;
  }
  const { source, target, options } = parts;
  const named = source === null ? [target!] : options.length > 0 ? [source, target!, options.join(',')] : [source, target!];
  const texts = text.dividedInto(named, ':');
  if (!text.isPlain && texts.every((part) => part.isPlain)) fields.differs('volumes', filledIn(text));
  for (const option of options) {
    if (option === 'z' || option === 'Z')
      fields.left('volumes', 'folders are not relabelled for SELinux (`:z`): label them once, `chcon -Rt container_file_t FOLDER`');
    else if (/^r?(shared|slave)$/.test(option)) fields.left('volumes', `mounts that are made later do not spread (\`:${option}\`)`);
    else if (option === 'nocopy') fields.left('volumes', 'an empty volume is filled from the image (`nocopy` has no word)');
    else if (!/^(ro|rw|cached|delegated|consistent|r?private|U)$/.test(option)) fields.left('volumes', `\`:${option}\` has no word in a host file`);
  }
  return {
    ...{ at: item.at, readOnly: options.includes('ro'), base: item.is === 'scalar' ? item.base : '.' },
    source: source === null ? null : texts[0]!,
    target: texts[source === null ? 0 : 1]!,
    isBind: source !== null && isPath(source),
  };
}

const longFields = ['type', 'source', 'target', 'read_only', 'consistency', 'bind', 'volume', 'tmpfs', 'image'];

function longMount(item: Node & { readonly is: 'map' }, service: Service, memory: Out[]): Mount | null {
  const { project } = service;
  const fields = service.fields.within(item, 'volumes');
  fields.only(longFields);
  const type = fields.now('type') ?? 'volume';
  const [source, target] = [fields.scalar('source'), fields.text('target')];
  if (target === null || target.now === '') {
    project.troubles.add(`${fields.where}: expected \`target\`, the path in the container`, item.at);
    return null;
  }
  if (type === 'tmpfs') {
    const tmpfs = fields.map('tmpfs');
    const size = tmpfs?.size('size') ?? null;
    if (tmpfs?.has('mode')) tmpfs.left('mode', 'a tmpfs of ostler is for everybody (mode 1777)');
    memory.push(size === null || size <= 0 ? target : record({ to: target, size: sizeText(size) }));
    return null;
  }
  if (type !== 'bind' && type !== 'volume') {
    fields.left('', `a mount of the type \`${type}\` has no word in a host file`);
    return null;
  }
  const bind = fields.map('bind');
  if (bind?.has('propagation') && !/^r?private$/.test(bind.now('propagation') ?? '')) bind.left('propagation', 'mounts that are made later do not spread');
  if (bind?.has('selinux')) bind.left('selinux', 'folders are not relabelled for SELinux: label them once, `chcon -Rt container_file_t FOLDER`');
  if (bind?.has('recursive')) bind.left('recursive', 'what is mounted below comes along, as the engine does it');
  const volume = fields.map('volume');
  if (volume?.flag('nocopy')) volume.left('nocopy', 'an empty volume is filled from the image');
  if (volume?.has('labels')) volume.left('labels', 'labels of a volume stand with the volume');
  if (volume?.has('subpath')) {
    volume.left('subpath', 'a volume is mounted as a whole; without it another folder would be mounted, so the mount is left out');
    return null;
  }
  if (type === 'bind' && source === null) {
    project.troubles.add(`${fields.where}: expected \`source\`, a path of the host`, item.at);
    return null;
  }
  return {
    ...{ at: item.at, readOnly: fields.flag('read_only') ?? false, base: source?.base ?? '.' },
    ...{ source: source?.text ?? null, target, isBind: type === 'bind' },
  };
}

/** Whether an engine can be commanded by what is below the path. */
function holdsSocket(path: string): boolean {
  const real = path.replace(/^\/var\/run(?=\/|$)/, '/run');
  const sockets = ['/run/docker.sock', '/run/podman/podman.sock', '/run/containerd/containerd.sock', '/run/crio/crio.sock'];
  return /\/(docker|podman|containerd|crio)\.sock$/.test(path) || (real !== '/' && sockets.some((socket) => socket === real || socket.startsWith(`${real}/`)));
}

function writtenMount({ at, source, target, readOnly, base, isBind }: Mount, service: Service): readonly Out[] | null {
  const { project, fields } = service;
  const more = readOnly ? { readOnly: true } : {};
  if (isBind && source !== null) {
    if (/^([A-Za-z]:[\\/]|\\\\)/.test(source.now)) {
      fields.left('volumes', 'a path of Windows is none of this host');
      return null;
    }
    const path = project.absolute(source, base);
    if (holdsSocket(path)) project.permissions.add('engineSocket');
    if (path === '/') project.permissions.add('wholeHost');
    else project.mounted.set(path, at);
    return [record({ from: project.path(source, base), to: target, ...more })];
  }
  if (source === null) {
    const volume = project.volumes.add(`${service.worker}-${target.now.split('/').filter(Boolean).slice(-2).join('-')}`);
    project.addedVolumes.add(volume);
    fields.differs('volumes', 'a volume without a name got one: it is kept until it is removed by hand');
    return [record({ volume, to: target, ...more })];
  }
  const bound = boundTo(source.now, project);
  if (bound !== null) return [record({ from: bound, to: target, ...more })];
  const volume = project.volumes.get(source.now);
  if (volume === undefined || !project.group('volumes').has(source.now)) {
    project.troubles.add(
      `${fields.where}.volumes: the file has no volume \`${source.now}\``,
      at,
      `${project.troubles.meant(source.now, [...project.group('volumes').keys()], 'volumes at the top of the file')} A folder is written \`./${source.now}\`.`,
    );
    return null;
  }
  return [record({ volume, to: target, ...more })];
}

function shortTmpfs(text: Text, at: Place, service: Service): Out {
  const [path, options] = text.cut(':');
  if (options === null) return path;
  let size: number | null = null;
  for (const option of options.now.split(',')) {
    const [key, value = ''] = option.split('=');
    if (key === 'size') size = parseSize(value);
    // 1777 is what ostler gives.
    else if (key !== 'rw' && !(key === 'mode' && /^0?1777$/.test(value)))
      service.fields.left('tmpfs', `a tmpfs has a size; \`${option}\` has no word in a host file`);
    if (key === 'size' && size === null) service.project.troubles.add(`${service.fields.where}.tmpfs: \`${value}\` is no size`, at);
  }
  return size === null || size <= 0 ? path : record({ to: path, size: sizeText(size) });
}

/** Mounts of other services, once all services have their own. */
export function writeMountsFrom(service: Service, all: ReadonlyMap<string, Service>): void {
  for (const { text, at } of service.fields.texts('volumes_from')) {
    const [name = '', mode] = text.now.split(':');
    const other = all.get(name);
    if (name === 'container') service.fields.left('volumes_from', 'the container is not of this file');
    else if (other === undefined)
      service.project.troubles.add(
        `${service.fields.where}.volumes_from: there is no service \`${name}\``,
        at,
        service.project.troubles.meant(name, [...all.keys()], 'other services'),
      );
    else {
      const own = (service.get('mounts') as readonly Out[] | undefined) ?? [];
      const theirs = ((other.get('mounts') as readonly Out[] | undefined) ?? []).map((mount) =>
        mode === 'ro' && mount instanceof Map ? new Map([...mount, ['readOnly', true]]) : mount,
      );
      const target = (mount: Out): string => (mount instanceof Map ? ((mount.get('to') as Text | undefined)?.now ?? '') : '');
      const taken = new Set(own.map(target));
      service.write('mounts', [...own, ...theirs.filter((mount) => !taken.has(target(mount)))]);
    }
  }
}

/** Where a file of a secret or a config is mounted as it is. */
export const fileMount = (file: Text, base: string, target: Text, { project }: Service, at: Place): Out => {
  project.mounted.set(project.absolute(file, base), at);
  return record({ from: project.path(file, base), to: target, readOnly: true });
};
