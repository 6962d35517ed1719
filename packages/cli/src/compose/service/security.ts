import { Text } from '../file/text.ts';
import { record } from '../out.ts';
import type { Service } from './service.ts';

/** What it may do, and what of the host it sees. */
export function writeSecurity(service: Service): void {
  const { fields, project } = service;
  service.write('capabilities', record({ add: capabilities('cap_add', service), drop: capabilities('cap_drop', service) }));
  if (fields.flag('privileged')) {
    service.write('privileged', true);
    project.permissions.add('privileged');
  }
  if (fields.flag('use_api_socket')) {
    fields.left(
      'use_api_socket',
      'mount the engine’s socket: `mounts: [{ from: /var/run/docker.sock, to: /var/run/docker.sock }]` with `policy: { engineSocket: true }`',
    );
  }
  if (fields.flag('read_only')) service.write('readOnly', true);
  let hasLabel = false;
  for (const item of fields.list('security_opt')) {
    if (item.is !== 'scalar' || item.text === null) continue;
    const isLabel = /^label[:=]/.test(item.text.now);
    if (isLabel && hasLabel) fields.left('security_opt', `a worker has one SELinux label: \`${item.text.now.slice(0, 60)}\` is another`);
    else writeOption(item.text, item.base, service);
    hasLabel ||= isLabel;
  }
  writeNamespaces(service);
  const platform = fields.text('platform');
  if (platform !== null && platform.now !== '') service.writeContainer('platform', platform.now.includes('/') ? platform : platform.before('linux/'));
}

/** As capabilities(7) has them. */
const capability =
  /^(CAP_)?(ALL|AUDIT_(CONTROL|READ|WRITE)|BLOCK_SUSPEND|BPF|CHECKPOINT_RESTORE|CHOWN|DAC_(OVERRIDE|READ_SEARCH)|FOWNER|FSETID|IPC_(LOCK|OWNER)|KILL|LEASE|LINUX_IMMUTABLE|MAC_(ADMIN|OVERRIDE)|MKNOD|NET_(ADMIN|BIND_SERVICE|BROADCAST|RAW)|PERFMON|SET(FCAP|GID|PCAP|UID)|SYSLOG|SYS_(ADMIN|BOOT|CHROOT|MODULE|NICE|PACCT|PTRACE|RAWIO|RESOURCE|TIME|TTY_CONFIG)|WAKE_ALARM)$/i;

function capabilities(key: 'cap_add' | 'cap_drop', { fields }: Service): readonly Text[] {
  return fields.texts(key).flatMap(({ text }) => {
    if (capability.test(text.now)) return [text];
    fields.left(key, `${text.now.slice(0, 40)} is no capability of Linux`);
    return [];
  });
}

function writeOption(text: Text, base: string, service: Service): void {
  const { fields, project } = service;
  const [, name = '', value = ''] = /^([^:=]+)(?:[:=](.*))?$/s.exec(text.now) ?? [];
  if (name === 'no-new-privileges') {
    if (value !== 'false') service.write('noNewPrivileges', true);
  } else if (name === 'seccomp' && value === 'unconfined') service.writeContainer('seccomp', 'unconfined');
  else if (name === 'seccomp' && value !== '') service.writeContainer('seccomp', project.path(Text.of(value), base));
  else if (name === 'apparmor' && value !== '') service.writeContainer('apparmor', Text.of(value));
  else if (name === 'label' && value !== '') service.writeContainer('selinux', Text.of(value));
  else fields.left('security_opt', `\`${text.now.slice(0, 60)}\` has no word in a host file`);
}

/** Namespaces of the host that a worker may have instead of its own. */
const words = {
  pid: ['host'],
  ipc: ['host', 'shareable', 'none'],
  userns_mode: ['host'],
} as const;

/** `pid`, `ipc` and `userns_mode`: the host's, or its own. */
function writeNamespaces(service: Service): void {
  const { fields, project } = service;
  for (const key of ['pid', 'ipc', 'userns_mode'] as const) {
    const mode = fields.now(key);
    if (mode === null || mode === '' || mode === 'private') continue;
    const isPodman = project.given.runtime === 'podman' && key === 'userns_mode';
    if (!(words[key] as readonly string[]).includes(mode) && !(isPodman && ['keep-id', 'auto', 'nomap'].includes(mode))) {
      fields.left(key, `a worker has this namespace for itself or with the host, not as \`${mode.slice(0, 60)}\``);
      continue;
    }
    service.writeContainer(key === 'userns_mode' ? 'userns' : key, mode);
    if (mode === 'host') project.permissions.add('hostNamespaces');
  }
}
