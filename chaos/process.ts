import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** What `/proc/PID/stat` says (proc_pid_stat(5)). */
export interface Stat {
  /** The first 15 bytes of its name. */
  readonly name: string;
  readonly state: string;
  readonly parent: number;
}

/** `null`: there is no such process. */
export function statOf(pid: number): Stat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const end = text.lastIndexOf(')');
    const [state = '', parent] = text.slice(end + 2).split(' ');
    return { name: text.slice(text.indexOf('(') + 1, end), state, parent: Number(parent) };
  } catch {
    return null;
  }
}

/** A zombie holds nothing but its exit code. */
export function isAlive(pid: number, name: string): boolean {
  const stat = statOf(pid);
  return stat !== null && stat.name === name && !['Z', 'X'].includes(stat.state);
}

/** Whether it works below that folder. */
export function existsWithin(pid: number, dir: string): boolean {
  try {
    return `${readlinkSync(`/proc/${pid}/cwd`)}/`.startsWith(`${dir}/`);
  } catch {
    return false;
  }
}

/** Open files and resident memory; `null`: there is no such process. */
export function usageOf(pid: number): { readonly files: number; readonly kib: number } | null {
  try {
    const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
    return kib === undefined ? null : { files: readdirSync(`/proc/${pid}/fd`).length, kib: Number(kib) };
  } catch {
    return null;
  }
}

/** CLOCK_MONOTONIC in ms: the workers write the same clock down. */
export const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;
