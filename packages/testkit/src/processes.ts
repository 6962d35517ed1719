import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** A process that runs, as this host shows it; zombies are left out: they hold nothing but their exit code (proc_pid_stat(5)). */
export interface RunningProcess {
  readonly pid: number;
  readonly argv: string;
  /** Empty where this user may not read it. */
  readonly environment: string;
}

/** Every process of this host. Linux reads /proc, other systems ask ps. */
export async function runningProcesses(): Promise<readonly RunningProcess[]> {
  if (process.platform !== 'linux') return fromPs();
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const seen = await Promise.all(pids.map(fromProc));
  return seen.filter((one) => one !== null);
}

async function fromProc(pid: string): Promise<RunningProcess | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
    const state = stat.charAt(stat.lastIndexOf(')') + 2);
    if (state === 'Z' || state === 'X') return null;
    const argv = await readFile(`/proc/${pid}/cmdline`, 'latin1');
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
    return { pid: Number(pid), argv, environment };
  } catch {
    return null;
  }
}

async function fromPs(): Promise<readonly RunningProcess[]> {
  const { stdout } = await promisify(execFile)('ps', ['-axEwwo', 'pid=,stat=,command='], { maxBuffer: 64 * 1024 * 1024 });
  return stdout.split('\n').flatMap((line) => {
    const [, pid, stat, rest] = /^\s*(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    if (pid === undefined || stat === undefined || rest === undefined || stat.startsWith('Z')) return [];
    return [{ pid: Number(pid), argv: rest, environment: rest.replaceAll(' ', '\0') }];
  });
}

/** Pids of the processes that carry `OSTLER_INSTANCE=<instance>`. */
export async function processesOf(instance: string): Promise<readonly number[]> {
  const all = await runningProcesses();
  return all.filter((one) => `\0${one.environment}\0`.includes(`\0OSTLER_INSTANCE=${instance}\0`)).map((one) => one.pid);
}

/** Ends what carries `OSTLER_INSTANCE=<instance>`, until nothing does any more. */
export async function endProcessesOf(instance: string): Promise<void> {
  for (let round = 0; round < 50; round += 1) {
    const pids = await processesOf(instance);
    if (pids.length === 0) return;
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // ended meanwhile
      }
    }
  }
}
