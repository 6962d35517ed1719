import { type EngineFacts, type Finding, unhonoured, type WorkerSpec } from '@ostler/sdk';
import { limitNumbers } from '../holder/compiled/limits.ts';
import { knownUlimits, type Tools } from '../launch/wrapper.ts';

/** Pure. What no process runtime can hold is refused, what this host cannot hold is said. */
export function checkProcess(
  spec: WorkerSpec,
  facts: EngineFacts,
  tools: Tools,
  runtime: string,
  honours: readonly string[],
  holder: 'sh' | 'compiled',
): readonly Finding[] {
  const findings: Finding[] = [];
  const refuse = (field: string, text: string) => findings.push({ level: 'refused', field, text });
  const weak = (field: string, text: string) => findings.push({ level: 'unenforced', field, text });
  const isRoot = process.getuid?.() === 0;
  const isCompiled = holder === 'compiled';
  const known = isCompiled ? Object.keys(limitNumbers).sort() : knownUlimits;

  if (spec.kind === 'service' && !facts.outlives.agent)
    refuse(
      'runtime',
      `a service of the ${runtime} runtime would end with the agent: ${facts.notes[0] ?? 'the agent runs in a container'}; use a container runtime, or run the agent on the host`,
    );
  if (spec.images.length > 0) refuse('image', `the ${runtime} runtime runs processes, not images; use a container runtime for image or build`);
  if (spec.entrypoint !== null) refuse('entrypoint', `the ${runtime} runtime has no entrypoint; put it into command`);
  if (spec.gpu !== null) refuse('gpu', `the ${runtime} runtime cannot give a worker its own GPU; use a container runtime or metal`);
  if (spec.notify !== null && (!isCompiled || process.platform !== 'linux'))
    refuse('health.notify', `the ${runtime} runtime hears sd_notify only with the compiled holder, on Linux; \`ostler doctor\` says why it is not used here`);
  if (spec.imageHealth !== null)
    refuse(
      'health.image',
      `health.image is of containers: the ${runtime} runtime runs processes, which have no image with a check of its own; use another probe`,
    );
  if (spec.tty) refuse('tty', `the ${runtime} runtime gives no terminal to a worker`);
  if (spec.readOnly) refuse('readOnly', `the ${runtime} runtime cannot make the file system read-only for one process`);
  for (const port of spec.ports)
    if (port.publish !== null && port.publish.port !== port.port)
      refuse('ports', `port ${port.name} of a process is published where it listens: ${port.port}, not ${port.publish.port}`);
  for (const mount of spec.mounts) {
    if (!('path' in mount.from)) refuse('mounts', `the ${runtime} runtime has no volumes and no tmpfs; give ${mount.to} a path of the host`);
    else if (mount.name === null && mount.to !== mount.from.path)
      refuse(
        'mounts',
        `a process sees the host's own paths: ${mount.from.path} cannot appear as ${mount.to}; give the mount a name and read OSTLER_MOUNT_<NAME>`,
      );
    else if (mount.readOnly) weak('mounts', `${mount.from.path} is not read-only for a process; file permissions decide`);
  }
  if (spec.user !== null && !isRoot && ![String(process.getuid?.()), process.env['USER']].includes(spec.user.split(':')[0]))
    refuse('user', `only an agent that runs as root can run a worker as the user ${spec.user}`);
  if (spec.groups.length > 0 && !isRoot) refuse('groups', 'only an agent that runs as root can give a worker other groups');

  const limit = (field: 'memory' | 'cpu' | 'pids', name: string, isAsked: boolean) => {
    if (isAsked && facts.limits[field] === 'none') weak(`limits.${name}`, `limits.${name} is not enforced on this host: no ${field} controller`);
  };
  limit('memory', 'memory', spec.limits.memoryBytes !== null || spec.limits.memorySwapBytes !== null);
  limit('cpu', 'cpus', spec.limits.cpus !== null);
  limit('pids', 'pids', spec.limits.pids !== null);
  if (spec.noNewPrivileges && !isCompiled && tools.setpriv === null)
    weak('noNewPrivileges', 'noNewPrivileges is not enforced on this host: setpriv (util-linux) is missing');
  for (const name of Object.keys(spec.ulimits)) {
    if (!known.includes(name)) refuse(`ulimits.${name}`, `ulimits.${name} is not known; known are ${known.join(', ')}`);
    else if (!isCompiled && tools.prlimit === null) weak(`ulimits.${name}`, `ulimits.${name} is not enforced on this host: prlimit (util-linux) is missing`);
  }
  return [...findings, ...unhonoured(spec, runtime, honours)];
}
