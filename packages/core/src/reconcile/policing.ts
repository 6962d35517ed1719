import type { Finding } from '@ostler/sdk';
import { realPath } from '../base/real-path.ts';
import { forbidden, type Neighbour, type Policy } from '../spec/index.ts';

/**
 * What the policy of a host does not let a worker have, as this host is now: symbolic links are followed each time. `sockets`: see `HostView`; asked
 * only where it matters, since all that wait for their start are judged again with each change.
 */
export function forbiddenHere(policy: Policy, neighbour: Neighbour, sockets: () => readonly string[]): readonly Finding[] {
  return forbidden(policy, neighbour, {
    realPath,
    get sockets() {
      return sockets();
    },
    get user() {
      return ownUser();
    },
  });
}

function ownUser(): readonly string[] {
  const uid = process.getuid?.();
  return [process.env['USER'], uid === undefined ? undefined : String(uid), uid === 0 ? 'root' : undefined].filter((one) => one !== undefined);
}
