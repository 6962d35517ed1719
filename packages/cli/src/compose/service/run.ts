import { isIP } from 'node:net';
import { Text } from '../file/text.ts';
import type { Out } from '../out.ts';
import { sizeText } from '../quantity.ts';
import type { Service } from './service.ts';

/** What is run, as whom, and what it sees of its surroundings. */
export function writeRun(service: Service): void {
  const { fields } = service;
  writeCommand(service);
  const workingDir = fields.text('working_dir');
  if (workingDir?.now !== '') service.write('workingDir', workingDir);
  const user = fields.text('user');
  if (user?.now !== '') service.write('user', user);
  service.write(
    'groups',
    fields.texts('group_add').map(({ text }) => text),
  );
  writeHostname(service);
  if (fields.flag('init')) service.write('init', true);
  if (fields.flag('tty')) service.write('tty', true);
  if (fields.flag('stdin_open')) fields.left('stdin_open', 'the input of a worker is not kept open; `ostler exec` opens a shell in it');
  const servers = fields.texts('dns').map(({ text }) => text);
  const names = servers.filter(({ now }) => isIP(now) === 0);
  if (names.length > 0) fields.left('dns', `${names.map(({ now }) => now).join(', ')}: a server for names is known by its address`);
  service.write(
    'dns',
    servers.filter(({ now }) => isIP(now) !== 0),
  );
  writeExtraHosts(service);
  const shm = fields.size('shm_size');
  if (shm !== null && shm > 0) service.write('shm', sizeText(shm));
  service.write('labels', new Map(fields.pairs('labels').map(({ name, text }) => [name, text ?? Text.of('')])));
  service.write('sysctls', new Map(fields.pairs('sysctls').flatMap(({ name, text }) => (text === null ? [] : [[name, text] as const]))));
}

/** `command` and `entrypoint`: a list, or a text that both divide into words alike. */
function writeCommand(service: Service): void {
  const { fields } = service;
  const [entrypoint, command] = [wordsOf('entrypoint', service), wordsOf('command', service)];
  if (command === 'none') fields.left('command', 'an image’s own command cannot be taken away; name a command');
  if (entrypoint !== 'none') {
    service.write('entrypoint', entrypoint);
    if (command !== 'none') service.write('command', command);
    return;
  }
  // Without its entrypoint an image runs the command itself: that is what an entrypoint of one's own does.
  if (command === null || command === 'none') fields.left('entrypoint', 'an image’s own entrypoint cannot be taken away; name the program that is to run');
  else service.write('entrypoint', command);
}

/** `none`: an empty one, which takes the image's away. */
function wordsOf(key: 'command' | 'entrypoint', { fields }: Service): Out | null | 'none' {
  const node = fields.node(key);
  if (node === undefined) return null;
  if (node.is === 'list') {
    const words = fields.texts(key).map(({ text }) => text);
    return words.length === 0 || words[0]!.now === '' ? 'none' : words;
  }
  const text = fields.text(key);
  if (text === null) return null;
  return text.now.trim() === '' ? 'none' : text.trimmed;
}

function writeHostname(service: Service): void {
  const { fields } = service;
  const [hostname, domain] = [fields.text('hostname'), fields.text('domainname')];
  if (domain !== null && domain.now !== '') {
    if (hostname === null || hostname.now === '') fields.left('domainname', 'a worker has a `hostname`, which may be a full one: mail.example.com');
    else if (!hostname.now.endsWith(`.${domain.now}`)) {
      service.write('hostname', new Text([...hostname.pieces, '.', ...domain.pieces]));
      return;
    }
  }
  if (hostname !== null && hostname.now !== '') service.write('hostname', hostname);
}

function writeExtraHosts(service: Service): void {
  const hosts = service.fields.map('extra_hosts');
  const written = (hosts?.names ?? []).flatMap((name): readonly (readonly [string, Text])[] => {
    const [first, ...more] = hosts!.texts(name);
    if (more.length > 0) hosts!.left(name, 'a name has one address: the first is written');
    if (first === undefined) return [];
    if (first.text.now === 'host-gateway' || isIP(first.text.now) !== 0) return [[name, first.text]];
    hosts!.left(name, `${first.text.now.slice(0, 60)} is no address`);
    return [];
  });
  service.write('extraHosts', new Map(written));
}
