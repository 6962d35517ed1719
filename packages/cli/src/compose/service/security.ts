import { Text } from '../file/text.ts';
import { record } from '../out.ts';
import type { Service } from './service.ts';

/** What it may do, and what of the host it sees. */
export function writeSecurity(service: Service): void {
  const { fields, project } = service;
  service.write(
    'capabilities',
    record({
      add: fields.texts('cap_add').map(({ text }) => text),
      drop: fields.texts('cap_drop').map(({ text }) => text),
    }),
  );
  if (fields.flag('privileged')) {
    service.write('privileged', true);
    project.permissions.add('privileged');
  }
  if (fields.flag('use_api_socket')) {
    fields.left('use_api_socket', 'mount the engine’s socket: `mounts: [{ from: /var/run/docker.sock, to: /var/run/docker.sock }]` with `policy: { engineSocket: true }`');
  }
  if (fields.flag('read_only')) service.write('readOnly', true);
  for (const { text } of fields.texts('security_opt')) writeOption(text, service);
  writeNamespaces(service);
  const platform = fields.text('platform');
  if (platform !== null && platform.now !== '') service.writeContainer('platform', platform);
}

function writeOption(text: Text, service: Service): void {
  const { fields } = service;
  const [, name = '', value = ''] = /^([^:=]+)(?:[:=](.*))?$/s.exec(text.now) ?? [];
  if (name === 'no-new-privileges') {
    if (value !== 'false') service.write('noNewPrivileges', true);
  } else if (name === 'seccomp' && value === 'unconfined') service.writeContainer('seccomp', 'unconfined');
  else if (name === 'seccomp') fields.left('security_opt', 'a seccomp profile of one’s own has no word: the engine’s own is used');
  else if (name === 'apparmor' && value !== '') service.writeContainer('apparmor', Text.of(value));
  else if (name === 'label' && value !== '') service.writeContainer('selinux', Text.of(value));
  else fields.left('security_opt', `\`${text.now.slice(0, 60)}\` has no word in a host file`);
}

/** `pid`, `ipc` and `userns_mode`: of the host, of another service, or its own. */
function writeNamespaces(service: Service): void {
  const { fields, project } = service;
  for (const [key, field] of [
    ['pid', 'pid'],
    ['ipc', 'ipc'],
    ['userns_mode', 'userns'],
  ] as const) {
    const mode = fields.now(key);
    if (mode === null || mode === '' || mode === 'private') continue;
    const [, kind, name = ''] = /^(service|container):(.+)$/.exec(mode) ?? [];
    const other = kind === 'service' ? name : project.serviceOfContainer(name);
    const worker = other === null ? undefined : project.workers.get(other);
    if (kind === undefined) {
      service.writeContainer(field, mode);
      if (mode === 'host') project.permissions.add('hostNamespaces');
    } else if (worker !== undefined) service.writeContainer(field, `worker:${worker}`);
    else if (kind === 'container') fields.left(key, `the container ${name} is not of this file`);
    else fields.bad(key, `there is no service \`${name}\``, project.troubles.meant(name, [...project.group('services').keys()], 'services'));
  }
}
