import type { Finding } from '@ostler/sdk';
import type { Flavour } from '../flavour.ts';
import { refused } from './finding.ts';
import { containerHonoured, type More, readableLogDrivers } from './more.ts';

/** What fields of the `container:` block may say, as far as engines take few words only. */
const words: Readonly<Record<string, Readonly<Record<Flavour, readonly string[]>>>> = {
  pid: { docker: ['host'], podman: ['host'] },
  ipc: { docker: ['host', 'private', 'shareable', 'none'], podman: ['host', 'private', 'shareable', 'none'] },
  userns: { docker: ['host'], podman: ['host', 'keep-id', 'auto', 'nomap'] },
  logDriver: { docker: readableLogDrivers, podman: ['k8s-file', 'json-file', 'journald'] },
};

const because: Readonly<Record<string, string>> = {
  name: ': a container’s name is what keeps one start from happening twice; containers find each other by the worker’s name',
};

/** The `container:` block: what this runtime does not know there, and what its engine does not take. */
export function checkBlock({ container }: More, flavour: Flavour): readonly Finding[] {
  const known: readonly string[] = containerHonoured;
  return Object.entries(container).flatMap(([key, value]): readonly Finding[] => {
    const field = `container.${key}`;
    if (!known.includes(key)) return [refused(field, `${field} is not something that the ${flavour} runtime can honour${because[key] ?? ''}`)];
    if (key === 'platform' && !/^[a-z0-9]+\/[a-z0-9_]+(\/[a-z0-9]+)?$/.test(value))
      return [refused(field, `${field}: "${value}" is no platform; expected one such as linux/arm64`)];
    const allowed = words[key]?.[flavour];
    if (allowed === undefined || allowed.includes(value)) return [];
    if (key === 'logDriver') return [refused(field, `${field}: logs written by the driver ${value} cannot be read back; use one of ${allowed.join(', ')}`)];
    return [refused(field, `${field}: "${value}" is not something that the ${flavour} runtime can honour; it can be ${allowed.join(', ')}`)];
  });
}
