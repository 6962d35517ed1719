import { spawnSync } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import type { Peer } from './peers/peer.ts';

/** What the figures were taken on. */
export interface Machine {
  readonly cores: number;
  readonly cpu: string;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  /** Of the folder that the runs had. */
  readonly filesystem: string;
  readonly isRoot: boolean;
  /** Of the last minute, before the first run. */
  readonly load: number;
  readonly versions: Readonly<Record<string, string>>;
}

const filesystems: Readonly<Record<number, string>> = { 61267: 'ext4', 16914836: 'tmpfs', 1481003842: 'xfs', 2435016766: 'btrfs', 2035054128: 'overlay' };

export function machine(base: string, peers: readonly Peer[]): Machine {
  return {
    cores: cpus().length,
    cpu: cpus()[0]?.model ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    filesystem: filesystems[statfsSync(base).type] ?? `type ${statfsSync(base).type}`,
    isRoot: process.getuid?.() === 0,
    load: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    versions: Object.fromEntries(peers.map((peer) => [peer.name, peer.version()])),
  };
}

/** Lets ext4 spread what lies below a folder over the disk, so that runs do not search each other's block groups. A disk that cannot is left as it is. */
export function spread(base: string): void {
  spawnSync('chattr', ['+T', base], { stdio: 'ignore' });
}
