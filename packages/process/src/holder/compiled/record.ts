import { bootId } from '../../identity/boot.ts';
import type { Position } from '../../log/source.ts';
import type { HolderStart, Takeover } from '../holder.ts';
import { limitNumbers, unlimited } from './limits.ts';

/** Version of what launcher and agent say to each other; holder/holder.h has the same layout. */
const recordVersion = 1;
const magic = 0x3152534f;
const headBytes = 80;
export const maxRecordBytes = 4 << 20;

const kinds = { hold: 1, drain: 2 } as const;
const flags = { exists: 1, needsCgroups: 2, ownCgroup: 4, account: 8, noNewPrivileges: 16, listen: 32 } as const;

interface Limit {
  readonly resource: number;
  readonly keepsHard: boolean;
  readonly soft: bigint;
  readonly hard: bigint;
}

interface Fields {
  readonly kind: keyof typeof kinds;
  readonly seq: number;
  readonly flags: number;
  readonly uid: number;
  readonly gid: number;
  readonly segmentBytes: number;
  readonly segmentFiles: number;
  readonly firstSegment: number;
  /** Bytes of output in the segments before. */
  readonly bytesBefore: number;
  readonly limits: readonly Limit[];
  readonly groups: readonly number[];
  readonly body: string;
  readonly dir: string;
  readonly cwd: string;
  readonly notifySocket: string;
  readonly cgroups: readonly string[];
  readonly argv: readonly string[];
  readonly environment: readonly string[];
}

const none: Omit<Fields, 'kind' | 'seq' | 'dir'> = {
  ...{
    flags: 0,
    uid: 0,
    gid: 0,
    segmentBytes: 4096,
    segmentFiles: 1,
    firstSegment: 0,
    bytesBefore: 0,
    limits: [],
    groups: [],
    body: '',
    cwd: '/',
    notifySocket: '',
  },
  ...{ cgroups: [], argv: [], environment: [] },
};

function encode(fields: Fields): Buffer {
  const { limits, groups, cgroups, argv, environment } = fields;
  const body = Buffer.from(fields.body);
  const texts = Buffer.from([fields.dir, bootId(), fields.cwd, fields.notifySocket, ...cgroups, ...argv, ...environment, ''].join('\0'));
  const fixedBytes = headBytes + limits.length * 24 + groups.length * 4;
  const record = Buffer.alloc(fixedBytes + body.length + texts.length);
  const head = [magic, recordVersion, record.length, kinds[fields.kind], fields.seq, fields.flags, fields.uid, fields.gid];
  for (const [index, value] of head.entries()) record.writeUInt32LE(value, index * 4);
  record.writeBigUInt64LE(BigInt(fields.segmentBytes), 32);
  record.writeBigUInt64LE(BigInt(fields.bytesBefore), 40);
  const rest = [fields.segmentFiles, fields.firstSegment, limits.length, groups.length, body.length, cgroups.length, argv.length, environment.length];
  for (const [index, value] of rest.entries()) record.writeUInt32LE(value, 48 + index * 4);
  for (const [index, { resource, keepsHard, soft, hard }] of limits.entries()) {
    const at = headBytes + index * 24;
    record.writeUInt32LE(resource, at);
    record.writeUInt32LE(keepsHard ? 1 : 0, at + 4);
    record.writeBigUInt64LE(soft, at + 8);
    record.writeBigUInt64LE(hard, at + 16);
  }
  for (const [index, group] of groups.entries()) record.writeUInt32LE(group, headBytes + limits.length * 24 + index * 4);
  body.copy(record, fixedBytes);
  texts.copy(record, fixedBytes + body.length);
  return record;
}

function limitsOf({ ulimits }: HolderStart, mark: bigint): readonly Limit[] {
  const value = (bound: number) => (bound < 0 ? unlimited : BigInt(bound));
  const asked = Object.entries(ulimits).flatMap(([name, { soft, hard }]) => {
    const resource = limitNumbers[name];
    return resource === undefined ? [] : [{ resource, keepsHard: false, soft: value(soft), hard: value(hard) }];
  });
  const { locks } = limitNumbers;
  return locks === undefined || 'locks' in ulimits ? asked : [...asked, { resource: locks, keepsHard: true, soft: mark, hard: unlimited }];
}

/** Tells the launcher to hold one worker. `mark`: see launch/limit-mark.ts. */
export function holdRecord(seq: number, start: HolderStart, mark: bigint): Buffer {
  const { spec, account, needsCgroups, noNewPrivileges, notifySocket } = start;
  const { own, memory, cpu, pids } = spec.cgroups;
  const when = (isSet: boolean, flag: number) => (isSet ? flag : 0);
  return encode({
    ...none,
    kind: 'hold',
    seq,
    flags:
      when(start.exists, flags.exists) |
      when(needsCgroups, flags.needsCgroups) |
      when(own !== null, flags.ownCgroup) |
      when(account !== null, flags.account) |
      when(noNewPrivileges, flags.noNewPrivileges) |
      when(notifySocket !== null, flags.listen),
    uid: account?.uid ?? 0,
    gid: account?.gid ?? 0,
    segmentBytes: spec.segmentBytes,
    segmentFiles: spec.segmentFiles,
    limits: limitsOf(start, mark),
    groups: account?.groups ?? [],
    body: start.exists ? '' : `${JSON.stringify(spec)}\n`,
    dir: start.dir,
    cwd: spec.cwd,
    notifySocket: notifySocket ?? '',
    cgroups: [...new Set([own, memory, cpu, pids])].filter((group) => group !== null),
    argv: start.command,
    environment: Object.entries(start.environment).map(([name, value]) => `${name}=${value}`),
  });
}

/** Tells the launcher to read on where a killed holder left off. `end`: that of its last segment. */
export function drainRecord(seq: number, { dir, spec }: Takeover, end: Position): Buffer {
  const { segmentBytes, segmentFiles } = spec;
  return encode({ ...none, kind: 'drain', seq, segmentBytes, segmentFiles, firstSegment: end.segment + 1, bytesBefore: end.total ?? 0, dir });
}
