import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

let known: string | undefined;

/** Names this boot of this kernel: `/proc/sys/kernel/random/boot_id` (Linux, proc(5)) or `kern.bootsessionuuid` (macOS, sysctl(8)). */
export function bootId(): string {
  // Cached: it cannot change while this process lives.
  known ??= (
    process.platform === 'linux'
      ? readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')
      : execFileSync('sysctl', ['-n', 'kern.bootsessionuuid'], { encoding: 'utf8', timeout: 2000 })
  ).trim();
  return known;
}
