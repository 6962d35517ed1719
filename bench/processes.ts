import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Site } from './site.ts';

export interface Process {
  readonly pid: number;
  readonly parent: number;
  /** The command line, word by word. */
  readonly words: readonly string[];
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Every process that this one may see, zombies and kernel threads left out. */
export function processes(): readonly Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const words = read(`/proc/${name}/cmdline`).split('\0').slice(0, -1);
      const [state, parent] = read(`/proc/${name}/stat`).split(') ').at(-1)?.split(' ') ?? [];
      return words.length === 0 || state === 'Z' || parent === undefined ? [] : [{ pid: Number(name), parent: Number(parent), words }];
    });
}

/** Worker index -> pid, of one run. */
export function workersOf({ worker, stamps }: Site, all: readonly Process[] = processes()): ReadonlyMap<number, number> {
  return new Map(all.filter(({ words }) => words[0] === worker && words[1] === stamps).map(({ pid, words }) => [Number(words[2]), pid]));
}

/**
 * Every process of one run: those that name its directory or work below it, what these have started, and who holds its workers. Never this process nor its
 * ancestors.
 */
export function belonging(site: Site, all: readonly Process[] = processes()): readonly Process[] {
  const byPid = new Map(all.map((one) => [one.pid, one]));
  const spared = new Set([0, 1]);
  for (let pid = process.pid; pid > 1; pid = byPid.get(pid)?.parent ?? 0) spared.add(pid);
  const children = new Map<number, Process[]>();
  for (const one of all) children.set(one.parent, [...(children.get(one.parent) ?? []), one]);
  const found = new Map<number, Process>();
  const enter = (one: Process | undefined): void => {
    if (one === undefined || spared.has(one.pid) || found.has(one.pid)) return;
    found.set(one.pid, one);
    for (const child of children.get(one.pid) ?? []) enter(child);
  };
  for (const one of all) if (isOf(site, one)) enter(one);
  for (const pid of workersOf(site, all).values()) enter(byPid.get(byPid.get(pid)?.parent ?? 0));
  return [...found.values()];
}

function isOf({ dir }: Site, { pid, words }: Process): boolean {
  if (words.some((word) => word.includes(`${dir}/`) || word.endsWith(dir))) return true;
  try {
    return `${readlinkSync(`/proc/${pid}/cwd`)}/`.startsWith(`${dir}/`);
  } catch {
    return false;
  }
}
