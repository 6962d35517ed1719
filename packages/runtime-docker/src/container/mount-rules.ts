import { normalize } from 'node:path';
import type { Mount } from '@ostler/sdk';
import { markerVolume } from '../engine/store.ts';
import { secretsPath } from './mounts.ts';

/** Whoever holds an engine's socket is root on its host. */
const sockets = ['docker.sock', 'podman.sock', 'containerd.sock', 'crio.sock'];
const ours: readonly string[] = [markerVolume.path, secretsPath];

/** Why a mount is refused; `null` = it is not. */
export function refusedMount({ from, to }: Mount): string | null {
  if (!to.startsWith('/')) return `${to}: a path in a container begins with /`;
  const inside = normalize(to).replace(/(.)\/$/, '$1');
  if (inside === '/') return 'nothing can be mounted on / of a container';
  if (ours.includes(inside)) return `${inside} is where ostler itself mounts something`;
  if (!('path' in from)) return null;
  const path = normalize(from.path).replace(/(.)\/$/, '$1');
  if (path === '/') return 'the whole host is not given to a container: that needs a policy, which this version does not read yet';
  if (sockets.some((socket) => path.endsWith(`/${socket}`)))
    return `${path} is an engine’s socket, which makes a container root on this host: that needs a policy, which this version does not read yet`;
  return null;
}
