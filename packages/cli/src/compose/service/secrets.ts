import type { Place } from '@ostler/core';
import type { Fields } from '../fields.ts';
import { entryOf, type Node } from '../file/node.ts';
import { Text } from '../file/text.ts';
import { type Out, record } from '../out.ts';
import { fileMount } from './mounts.ts';
import type { Service } from './service.ts';

interface Grant {
  readonly at: Place;
  readonly source: string;
  readonly target: Text | null;
  /** `0440` as it is written; null = none is. */
  readonly mode: string | null;
  readonly uid: number | null;
}

/** `secrets` and `configs`: files of this host, handed to the container. */
export function writeSecrets(service: Service): void {
  const files = new Map<string, Out>();
  const mounts: Out[] = [...((service.get('mounts') as readonly Out[] | undefined) ?? [])];
  for (const item of service.fields.list('secrets')) {
    const grant = grantOf(item, 'secrets', service);
    const file = grant === null ? null : fileOf(grant, 'secrets', service);
    if (grant === null || file === null) continue;
    const target = grant.target?.now ?? grant.source;
    const name = target.replace(/^\/run\/secrets\//, '');
    if (/^[A-Za-z0-9._-]{1,255}$/.test(name)) {
      const ref = service.project.path(file.text, file.base).before('file:');
      const more = record({ mode: grant.mode, uid: grant.uid });
      files.set(name, more.size === 0 ? ref : new Map<string, Out>([['ref', ref], ...more]));
    } else if (target.startsWith('/')) mounts.push(fileMount(file.text, file.base, grant.target!, service, grant.at));
    else service.fields.left('secrets', `\`${target.slice(0, 60)}\` is no name of a file in /run/secrets`);
  }
  for (const item of service.fields.list('configs')) {
    const grant = grantOf(item, 'configs', service);
    const file = grant === null ? null : fileOf(grant, 'configs', service);
    if (grant === null || file === null) continue;
    const target = grant.target ?? Text.of(`/${grant.source}`);
    mounts.push(fileMount(file.text, file.base, target.now.startsWith('/') ? target : target.before('/'), service, grant.at));
  }
  service.write('secrets', record({ files }));
  service.write('mounts', mounts);
  if (files.size > 0)
    service.fields.differs(
      'secrets',
      'a secret is a file for the worker’s own user alone (mode 0400), unless `mode` and `uid` say otherwise; Compose shows the file as it is',
    );
}

function grantOf(item: Node, group: 'secrets' | 'configs', service: Service): Grant | null {
  const { fields, project } = service;
  const name = item.is === 'map' ? entryOf(item, 'source') : item;
  const source = name?.is === 'scalar' ? (name.text?.now ?? '') : '';
  if (item.is === 'map') fields.within(item, group).only(['source', 'target', 'uid', 'gid', 'mode']);
  if (source === '') {
    project.troubles.add(`${fields.where}.${group}: expected a name, or { source, target, mode }`, item.at);
    return null;
  }
  if (!project.group(group).has(source)) {
    project.troubles.add(
      `${fields.where}.${group}: the file has no \`${source}\` under \`${group}\``,
      item.at,
      project.troubles.meant(source, [...project.group(group).keys()], `${group} at the top of the file`),
    );
    return null;
  }
  if (item.is !== 'map') return { at: item.at, source, target: null, mode: null, uid: null };
  const long = fields.within(item, group);
  if (long.has('gid')) long.left('gid', 'the file is of the group of its user');
  const mode = long.scalar('mode');
  const target = long.text('target');
  return {
    at: item.at,
    source,
    target: target?.now === '' ? null : target,
    mode: mode === null ? null : modeText(mode.source ?? mode.text!.now, long),
    uid: long.number('uid'),
  };
}

/** `0440`, `"0440"` and 288, which is the same in decimal. */
function modeText(written: string, fields: Fields): string | null {
  const mode = /^0o?[0-7]{3,4}$/.test(written) ? Number.parseInt(written.replace('0o', '0'), 8) : /^\d+$/.test(written) ? Number(written) : Number.NaN;
  if (mode >= 0 && mode <= 0o777) return `0${mode.toString(8).padStart(3, '0')}`;
  fields.bad('mode', `expected a mode such as 0440; found \`${written.slice(0, 20)}\``);
  return null;
}

const sources = {
  secrets: { known: ['file', 'environment', 'external', 'name', 'labels', 'driver', 'driver_opts', 'template_driver', 'content'], file: '/run/secrets' },
  configs: { known: ['file', 'environment', 'external', 'name', 'labels', 'template_driver', 'content'], file: '' },
} as const;

/** The file that holds it; null: there is none on this host. */
function fileOf({ source }: Grant, group: 'secrets' | 'configs', service: Service): { readonly text: Text; readonly base: string } | null {
  const fields = service.project.fields(group, source)!;
  fields.only(sources[group].known);
  const file = fields.scalar('file');
  if (file?.text != null && file.text.now !== '') return { text: file.text, base: file.base };
  const how = group === 'secrets' ? '`secrets: { files: { NAME: "file:PATH" } }`' : '`mounts: [{ from: PATH, to: PATH, readOnly: true }]`';
  const what = fields.has('environment')
    ? `it comes from the environment (${fields.text('environment')?.now ?? ''})`
    : fields.has('content')
      ? 'its content stands in the Compose file'
      : 'it is external, kept by Swarm';
  service.fields.left(group, `${source}: ${what}; put it into a file, and name it: ${how}`);
  return null;
}
