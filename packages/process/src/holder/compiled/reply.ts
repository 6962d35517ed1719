/** How far a start came; holder/holder.h has the same numbers. */
export const stages = {
  0: 'ran',
  1: 'record',
  2: 'directory',
  3: 'claimed',
  4: 'fork',
  5: 'cgroup',
  6: 'limit',
  7: 'folder',
  8: 'account',
  9: 'exec',
  100: 'hello',
} as const;

export type Stage = (typeof stages)[keyof typeof stages];

/** `error`: an errno, 0 = none. `pid`: the worker's, 0 = none was recorded. `start`: its start time. */
export interface Reply {
  readonly seq: number;
  readonly stage: Stage;
  readonly error: number;
  readonly pid: number;
  readonly start: bigint;
}

const replyBytes = 32;
const magic = 0x3141534f;

/** Cuts what the launcher sends into replies. Throws when it is not that. */
export class ReplyReader {
  #rest: Buffer = Buffer.alloc(0);

  *push(bytes: Buffer): Generator<Reply> {
    let all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    for (; all.length >= replyBytes; all = all.subarray(replyBytes)) {
      const stage = stages[all.readInt32LE(8) as keyof typeof stages];
      if (all.readUInt32LE(0) !== magic || stage === undefined) throw new Error('the launcher speaks another language');
      yield { seq: all.readUInt32LE(4), stage, error: all.readInt32LE(12), pid: all.readInt32LE(16), start: all.readBigUInt64LE(24) };
    }
    this.#rest = all;
  }
}
