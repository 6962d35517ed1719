import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { type ProcessEntry, parsePsLine, parseStat } from './process-stat.ts';

const psColumns = 'pid=,ppid=,pgid=,stat=,rss=,lstart=,command=';

function ps(...args: string[]): string {
  try {
    return execFileSync('ps', args, {
      encoding: 'utf8',
      timeout: 5000,
      maxBuffer: 64 << 20,
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC0' },
    });
  } catch (error) {
    // ps ends with 1 when no process matches.
    if ((error as { status?: unknown }).status === 1) return '';
    throw error;
  }
}

/** `null` = there is no such process now. */
export function readProcess(pid: number): ProcessEntry | null {
  if (process.platform !== 'linux') return parsePsLine(ps('-o', psColumns, '-p', String(pid)).split('\n')[0] ?? '');
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch (error) {
    // ESRCH: it went away between open and read.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}

/** Every process that this user may see. */
export function readProcessTable(): ReadonlyMap<number, ProcessEntry> {
  const entries =
    process.platform === 'linux'
      ? readdirSync('/proc')
          .filter((name) => /^\d+$/.test(name))
          .map((name) => readProcess(Number(name)))
      : ps('-A', '-ww', '-o', psColumns).split('\n').map(parsePsLine);
  return new Map(entries.filter((entry) => entry !== null).map((entry) => [entry.pid, entry]));
}

/** The environment of a live process as `NAME=value` texts; `null` where it may not be read (another user's process) or is gone. */
export function readEnvironment(pid: number): readonly string[] | null {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter(Boolean);
    // ps -E puts the environment after the command, parted by blanks: good for finding a mark, not for values with blanks.
    return ps('-E', '-ww', '-o', 'command=', '-p', String(pid)).split(/\s+/).filter(Boolean);
  } catch {
    return null;
  }
}

/** argv, or `[name]` for a process that has none. */
export function commandLine(entry: ProcessEntry): string {
  if (process.platform !== 'linux') return entry.command;
  try {
    return readFileSync(`/proc/${entry.pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() || `[${entry.command}]`;
  } catch {
    return `[${entry.command}]`;
  }
}
