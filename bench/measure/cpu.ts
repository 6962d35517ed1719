import { readdirSync, readFileSync } from 'node:fs';
import type { Process } from '../processes.ts';

/** ms of CPU that some processes have used since they began, user and system. */
export function cpuMs(some: readonly Process[]): number {
  return some.reduce((sum, { pid }) => sum + one(pid), 0);
}

/** Of every thread that lives: schedstat counts ns, where utime and stime come in ticks of 10 ms that a thousand idle holders never fill. */
function one(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`).reduce((sum, task) => sum + thread(`/proc/${pid}/task/${task}`), 0);
  } catch {
    return 0;
  }
}

function thread(path: string): number {
  try {
    return Number(readFileSync(`${path}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
  } catch {
    return 0;
  }
}
