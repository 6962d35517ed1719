import type { Place } from '@ostler/core';
import { filledIn } from '../fields.ts';
import { entryOf, type Node } from '../file/node.ts';
import { Text } from '../file/text.ts';
import { type Out, record } from '../out.ts';
import { type PortText, parsePort, portsOf } from './port-text.ts';
import type { Service } from './service.ts';

/** A host file takes so many ports of a worker. */
const most = 1000;

interface Port {
  readonly at: Place;
  readonly name: string | null;
  /** As it is now. */
  readonly now: PortText;
  /** The same with its variables; '' = left out. */
  readonly address: Text;
  readonly published: Text;
  readonly target: Text;
}

/** `ports`: published on the addresses that Compose means. */
export function writePorts(service: Service): void {
  const { fields } = service;
  if (fields.list('ports').length === 0) return;
  const mode = fields.text('network_mode')?.now ?? '';
  if (mode !== '' && mode !== 'bridge' && mode !== 'default') {
    const why = mode === 'host' ? 'on the host’s network it listens on the host itself' : 'it has no network of its own to publish from';
    fields.left('ports', why);
    return;
  }
  const ports = fields.list('ports').flatMap((item) => portsIn(item, service));
  if (ports.length > most) {
    fields.left('ports', `a worker has at most ${most} ports: give it \`networkMode: host\``);
    return;
  }
  const taken = new Set<string>();
  const written = ports.flatMap((port): readonly Out[] => {
    const key = `${port.now.target}/${port.now.protocol}`;
    if (taken.has(key)) {
      fields.left('ports', `ostler publishes a port of a worker once, so a second time for ${key} is left out`);
      return [];
    }
    taken.add(key);
    return [writtenPort(port)];
  });
  service.write('ports', withPortFirst(written, ports, service));
}

function portsIn(item: Node, service: Service): readonly Port[] {
  const { fields } = service;
  const port = item.is === 'map' ? longPort(item, service) : shortPort(item, service);
  if (port === null) return [];
  const { now } = port;
  if (now.protocol !== 'tcp' && now.protocol !== 'udp') {
    fields.left('ports', `ostler publishes tcp and udp, not ${now.protocol}`);
    return [];
  }
  const targets = portsOf(now.target);
  const published = now.published === '' || now.published === '0' ? [] : portsOf(now.published);
  if (targets === null || published === null) {
    service.project.troubles.add(`${fields.where}.ports: \`${now.published}:${now.target}\` is no range of ports`, port.at);
    return [];
  }
  if (published.length === 0)
    fields.left('ports', 'the engine would choose a port of the host at each start: write the one that you want, `"0.0.0.0:8080:80"`');
  const isChoice = targets.length === 1 && published.length > 1;
  if (isChoice) fields.differs('ports', `of the range ${now.published} for port ${now.target} the first was taken`);
  else if (published.length > 0 && published.length !== targets.length) {
    service.project.troubles.add(`${fields.where}.ports: ${now.published} and ${now.target} are not as many ports`, port.at);
    return [];
  }
  if (published.length > 0 && now.address === '')
    fields.differs('ports', 'Compose publishes on all addresses, which stands here as 0.0.0.0; without an address ostler publishes on 127.0.0.1 alone');
  if (targets.length === 1 && published.length <= 1) return [{ ...port, published: published.length === 0 ? Text.of('') : port.published }];
  return targets.map((target, index) => {
    const one = published[index];
    return {
      ...port,
      now: { ...now, target: String(target), published: one === undefined ? '' : String(one) },
      target: Text.of(String(target)),
      published: Text.of(one === undefined ? '' : String(one)),
    };
  });
}

function shortPort(item: Node, { fields, project }: Service): Port | null {
  const text = item.is === 'scalar' ? item.text : null;
  const now = text === null ? 'expected [ADDRESS:][PUBLISHED:]PORT[/PROTOCOL]' : parsePort(text.now);
  if (typeof now === 'string') {
    project.troubles.add(`${fields.where}.ports: ${now}`, item.at);
    return null;
  }
  const [main] = text!.cut('/');
  const parts = main.split(':');
  const isAlike = parts.length === main.now.split(':').length && parts.length <= 3;
  const [target, published, address] = isAlike ? parts.toReversed() : [];
  const part = (own: Text | undefined, wanted: string): Text => (own?.now === wanted ? own : Text.of(wanted));
  const isShort = target?.now === now.target;
  if (!isShort && !text!.isPlain) fields.differs('ports', filledIn(text!));
  return {
    ...{ at: item.at, name: null, now },
    target: part(isShort ? target : undefined, now.target),
    published: part(isShort ? published : undefined, now.published),
    address: part(isShort ? address : undefined, now.address),
  };
}

function longPort(item: Node & { readonly is: 'map' }, { fields, project }: Service): Port | null {
  const port = fields.within(item, 'ports');
  port.only(['name', 'mode', 'host_ip', 'target', 'published', 'protocol', 'app_protocol']);
  const text = (key: string): Text => port.text(key) ?? Text.of('');
  const target = text('target');
  if (!/^\d+(-\d+)?$/.test(target.now)) {
    project.troubles.add(`${port.where}: expected \`target\`, the port that the container listens on`, entryOf(item, 'target')?.at ?? item.at);
    return null;
  }
  const now = { address: text('host_ip').now, published: text('published').now, target: target.now, protocol: text('protocol').now.toLowerCase() || 'tcp' };
  const name = text('name').now;
  return {
    ...{ at: item.at, now, target, published: text('published'), address: text('host_ip') },
    name: /^[A-Za-z][A-Za-z0-9_-]{0,31}$/.test(name) ? name : null,
  };
}

function writtenPort({ name, now, address, published, target }: Port): Out {
  const isPublished = published.now !== '';
  const ip = now.address === 'localhost' ? '127.0.0.1' : now.address;
  const shownAddress = address.isPlain ? Text.of(ip === '' ? '0.0.0.0' : ip.includes(':') ? `[${ip}]` : ip) : address;
  if (name !== null)
    return record({
      ...{ name, port: Number(now.target) },
      publish: isPublished ? joined(shownAddress, ':', published) : undefined,
      protocol: now.protocol === 'tcp' ? undefined : now.protocol,
    });
  const suffix = now.protocol === 'tcp' ? '' : `/${now.protocol}`;
  return isPublished ? joined(shownAddress, ':', published, ':', target, suffix) : joined(target, suffix);
}

const joined = (...parts: readonly (Text | string)[]): Text => new Text(parts.flatMap((part) => (typeof part === 'string' ? [part] : part.pieces)));

/** ostler tells a worker its first port as PORT, over what its environment says: where that names one of its ports, this one comes first. */
function withPortFirst(written: readonly Out[], ports: readonly Port[], service: Service): readonly Out[] {
  const env = service.fields.pairs('environment').find(({ name }) => name === 'PORT')?.text?.now;
  if (env === undefined || ports[0]?.now.target === env) return written;
  const index = ports.findIndex(({ now }) => now.target === env);
  if (index > 0 && index < written.length) return [written[index]!, ...written.filter((_, other) => other !== index)];
  service.fields.differs('environment', `ostler sets PORT to the first of a worker’s ports (${ports[0]?.now.target}), over what stands here`);
  return written;
}
