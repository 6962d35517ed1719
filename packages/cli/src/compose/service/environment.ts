import { resolve } from 'node:path';
import type { Place } from '@ostler/core';
import { type EnvFile, parseEnvFile } from '../file/dotenv.ts';
import { entryOf, type Node } from '../file/node.ts';
import { readFileText } from '../file/read-file.ts';
import type { Text } from '../file/text.ts';
import type { Out } from '../out.ts';
import type { Service } from './service.ts';

const possible = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

/** `environment` and `env_file`. */
export async function writeEnvironment(service: Service): Promise<void> {
  const { fields } = service;
  const env = new Map<string, Out>();
  const files: Out[] = [];
  for (const item of fields.list('env_file')) {
    const found = await envFileOf(item, service);
    if (found === null) continue;
    if (found.isReadable) files.push(found.path);
    for (const [name, text] of found.own) env.set(name, text);
  }
  for (const { name, text, source, at } of fields.pairs('environment')) {
    if (!possible.test(name)) {
      fields.left('environment', `\`${name.slice(0, 60)}\` is no name of a variable`);
      continue;
    }
    const value = text ?? fromOutside(name, service, at, 'environment');
    if (source !== null && text?.isPlain && /^[\d+.-]/.test(source) && text.now !== source)
      fields.differs('environment', `${name} stands there without quotes, and Compose reads a number, which it writes otherwise`);
    if (value !== null) env.set(name, value);
  }
  service.write('envFile', files.length === 1 ? files[0] : files);
  service.write('env', env);
}

/** A name without a value: Compose takes it from the environment, and leaves it out if there is none. */
export function fromOutside(name: string, service: Service, at: Place, field: string): Text | null {
  const { scope, notes } = service.project.given;
  const value = scope.fromAnywhere(name);
  if (value !== null) return value;
  notes.left({
    ...{ of: service.name, field, at },
    text: `${name} has no value here, so Compose sets none; \`${name}: "\${${name}}"\` with \`vars: { ${name}: { env: ${name} } }\` takes it from the agent’s environment`,
  });
  return null;
}

interface Found {
  readonly path: Text;
  /** ostler can read it too. */
  readonly isReadable: boolean;
  /** What it would read otherwise than Compose, and so stands in the host file. */
  readonly own: ReadonlyMap<string, Text>;
}

async function envFileOf(item: Node, service: Service): Promise<Found | null> {
  const { fields, project } = service;
  const node = item.is === 'map' ? entryOf(item, 'path') : item;
  if (item.is === 'map') fields.within(item, 'env_file').only(['path', 'required', 'format']);
  if (node?.is !== 'scalar' || node.text === null) {
    project.troubles.add(`${fields.where}.env_file: expected a path, or { path, required, format }`, item.at);
    return null;
  }
  const path = resolve(node.base, node.text.now.replace(/^~(?=\/|$)/, project.given.home));
  const text = await readFileText(path, node.at, true);
  if (text === null) {
    fields.left('env_file', `${node.text.now} is not there; when it is, name it: \`envFile: ${project.path(node.text, node.base).now}\``);
    return null;
  }
  const format = entryOf(item, 'format');
  const file = parseEnvFile(text, path, format?.is === 'scalar' && format.text?.now === 'raw');
  if ('message' in file) {
    project.troubles.add(file.message, file.at);
    return null;
  }
  const own = differing(file, service);
  if (file.plain === null) fields.differs('env_file', `ostler cannot read ${node.text.now}, for a name in it, so what it sets stands in the host file`);
  else if (own.size > 0)
    fields.differs(
      'env_file',
      `ostler fills nothing in in ${node.text.now}, and reads quotes and \`#\` otherwise, so the host file has its own lines for ${[...own.keys()].join(', ')}`,
    );
  return { path: project.path(node.text, node.base), isReadable: file.plain !== null, own };
}

function differing(file: EnvFile, service: Service): ReadonlyMap<string, Text> {
  const { scope } = service.project.given;
  const own = new Map<string, Text>();
  for (const [name, { parts, at }] of file.lines) {
    if (!possible.test(name)) continue;
    const text = parts === null ? (scope.value(name) === undefined ? null : fromOutside(name, service, at, 'env_file')) : scope.fill(parts, at);
    if (text !== null && file.plain?.get(name) !== text.now) own.set(name, text);
  }
  return own;
}
