import type { Finding } from '@ostler/sdk';
import { forbiddenHere } from './reconcile/index.ts';
import type { Runtime } from './runtimes.ts';
import type { Neighbour, Policy } from './spec/index.ts';

export interface PolicingGiven {
  /** As the host file says it now. */
  policy(): Policy;
  runtimes(): ReadonlyMap<string, Runtime>;
  /** Of this agent. */
  readonly socket: string;
}

/** Holds workers to the policy of the host, at the plan and again at each start: it may have become tighter, and a symbolic link may lead elsewhere. */
export class Policing {
  readonly #given: PolicingGiven;

  constructor(given: PolicingGiven) {
    this.#given = given;
  }

  findings(neighbour: Neighbour): readonly Finding[] {
    const { policy, runtimes, socket } = this.#given;
    return forbiddenHere(policy(), neighbour, () => [socket, ...[...runtimes().values()].flatMap((runtime) => runtime.state().facts?.sockets ?? [])]);
  }

  /** What a worker is waiting for that it may not have; `null` = it may start. */
  forbidden(neighbour: Neighbour): string | null {
    const [first] = this.findings(neighbour);
    return first === undefined ? null : `leave by the policy of the host file: ${first.text}`;
  }
}
