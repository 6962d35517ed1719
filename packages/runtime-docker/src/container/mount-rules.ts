import { normalize } from 'node:path';
import type { Mount } from '@ostler/sdk';
import { markerVolume } from '../engine/store.ts';
import { secretsPath } from './mounts.ts';

const ours: readonly string[] = [markerVolume.path, secretsPath];

/** Why a mount is refused; `null` = it is not. What of the host it may be is for the policy to say. */
export function refusedMount({ to }: Mount): string | null {
  if (!to.startsWith('/')) return `${to}: a path in a container begins with /`;
  const inside = normalize(to).replace(/(.)\/$/, '$1');
  if (inside === '/') return 'nothing can be mounted on / of a container';
  return ours.includes(inside) ? `${inside} is where ostler itself mounts something` : null;
}
