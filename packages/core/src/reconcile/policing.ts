import type { Finding } from '@ostler/sdk';
import { realPath } from '../base/real-path.ts';
import { forbidden, type Neighbour, type Policy } from '../spec/index.ts';

/** What the policy of a host does not let a worker have, as this host is now: symbolic links are followed each time. `sockets`: see `HostView`. */
export function forbiddenHere(policy: Policy, neighbour: Neighbour, sockets: readonly string[]): readonly Finding[] {
  const uid = process.getuid?.();
  const user = [process.env['USER'], uid === undefined ? undefined : String(uid), uid === 0 ? 'root' : undefined].filter((one) => one !== undefined);
  return forbidden(policy, neighbour, { realPath, sockets, user });
}
