import { ownerOf } from '../../src/spec/index.ts';
import type { View } from './invariants.ts';

interface Told {
  readonly what?: string;
  readonly code?: string;
  readonly message?: string;
}

/** The worker for whose network it was called off. */
const ofNetwork = /: (\S+), whose network it shares/;

/** How often each worker was told to be unresolved in its start, and that its start failed. */
export class Reasons {
  readonly #unresolved = new Map<string, number>();
  readonly #failed = new Map<string, number>();
  #at = 0;

  missing({ disk, unknown, startsFailed, agent }: View): string | null {
    const { journal } = disk;
    const isBeyond = (of: Map<string, number>, worker: string, most: ReadonlyMap<string, number>): boolean => {
      const told = (of.get(worker) ?? 0) + 1;
      of.set(worker, told);
      return told > (most.get(worker) ?? 0);
    };
    for (; this.#at < journal.length; this.#at++) {
      const { type, worker, data } = journal[this.#at]!;
      const { what, code = '', message = '' } = data as Told;
      if (worker === null) continue;
      const owner = type === 'worker.start-failed' ? ofNetwork.exec(message)?.[1] : undefined;
      const normal = agent?.crew.get(worker)?.normal() ?? null;
      if (owner !== undefined && normal !== null && ownerOf(normal.spec) !== owner)
        return `the start of ${worker} was called off for ${owner}, whose network it does not share`;
      if (type === 'worker.unresolved' && what === 'start' && isBeyond(this.#unresolved, worker, unknown))
        return `${worker} is unresolved, though each of its calls was answered`;
      // What was called off, found its engine gone, or has no definition any more, asked for nothing.
      const isAsked = code !== 'aborted' && code !== 'engine-down' && (disk.workers.get(worker)?.generation ?? null) !== null;
      const isOwn = type === 'worker.start-failed' && isAsked;
      if (isOwn && isBeyond(this.#failed, worker, startsFailed)) return `the start of ${worker} failed (${code}), though no call of it did`;
    }
    return null;
  }
}
