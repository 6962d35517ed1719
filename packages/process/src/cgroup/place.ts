import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { InstanceRef } from '@ostler/sdk';
import type { CgroupPaths } from './cgroup.ts';

export type Controller = 'memory' | 'cpu' | 'pids';
const controllers: readonly Controller[] = ['memory', 'cpu', 'pids'];

/** Folders under which an agent may make cgroups: each is writable, and a process could be moved into a child of it. */
export type CgroupPlace = Readonly<Record<'own' | Controller, string | null>>;

/** Where a mount of that kind is, by /proc/self/mounts (proc_pid_mounts(5)). */
function mountPoint(type: 'cgroup' | 'cgroup2', option?: string): string | null {
  const lines = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  for (const line of lines) {
    const [, path, kind, options = ''] = line.split(' ');
    if (path !== undefined && kind === type && (option === undefined || options.split(',').includes(option))) return path;
  }
  return null;
}

/** The parent of the agent's own v2 cgroup (a unit with Delegate= and a subgroup for itself), then the root of the hierarchy. */
function candidates(mount: string): readonly string[] {
  const own = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '/';
  const parent = own === '/' ? '/' : dirname(own);
  return parent === '/' ? [mount] : [join(mount, parent), mount];
}

/** Tried, not guessed: moving a process needs rights on the common ancestor, which no mode bit shows. */
function canHold(folder: string): boolean {
  const trial = join(folder, `ostler-trial-${process.pid}`);
  try {
    mkdirSync(trial);
  } catch {
    return false;
  }
  try {
    execFileSync('/bin/sh', ['-c', 'echo $$ >"$0/cgroup.procs"', trial], { stdio: 'ignore', timeout: 2000 });
    return true;
  } catch {
    return false;
  } finally {
    // The kernel lets go of an ended child a little later.
    for (let tries = 0; tries < 20 && existsSync(trial); tries++) {
      try {
        rmdirSync(trial);
      } catch {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
      }
    }
  }
}

/**
 * Has the parent hand the controller down. The root of a v2 hierarchy may hold processes and still do it; others may refuse. Only what the folder has
 * can be handed down (cgroup.controllers, cgroups(7)); to ask for another costs a grace period of the kernel, 8 ms measured, before it is refused.
 */
function handsDown(folder: string, controller: Controller): boolean {
  const listed = (file: string) => readFileSync(join(folder, file), 'utf8').trim().split(' ').includes(controller);
  try {
    if (!listed('cgroup.controllers')) return false;
    if (!listed('cgroup.subtree_control')) writeFileSync(join(folder, 'cgroup.subtree_control'), `+${controller}`);
    return listed('cgroup.subtree_control');
  } catch {
    return false;
  }
}

/** Folders of the v2 hierarchy under which this agent may be allowed to make cgroups, the best first. */
export function cgroupHomes(): readonly string[] {
  if (process.platform !== 'linux' || !existsSync('/proc/self/cgroup')) return [];
  const v2 = mountPoint('cgroup2');
  return v2 === null ? [] : candidates(v2);
}

/** Whether a folder can be made there. That is all it takes on v1, where one may move one's own processes (cgroups(7)). */
function canMake(folder: string): boolean {
  const trial = join(folder, `ostler-trial-${process.pid}`);
  try {
    mkdirSync(trial);
    rmdirSync(trial);
    return true;
  } catch {
    return false;
  }
}

/** What this agent can use on this host; all `null` where there are no cgroups, or none for this user. `home`: a folder that was seen to do, `null` = look for it. */
export function findCgroupPlace(home: string | null = cgroupHomes().find(canHold) ?? null): CgroupPlace {
  const place: Record<'own' | Controller, string | null> = { own: home, memory: null, cpu: null, pids: null };
  if (process.platform !== 'linux' || !existsSync('/proc/self/cgroup')) return place;
  for (const controller of controllers) {
    if (home !== null && handsDown(home, controller)) place[controller] = home;
    else {
      const mount = mountPoint('cgroup', controller);
      if (mount !== null && canMake(mount)) place[controller] = mount;
    }
  }
  return place;
}

/** The instance's own cgroups, in a folder of its agent; a controller is used only where a limit asks for it. */
export function placeOf(place: CgroupPlace, ref: InstanceRef, wants: Readonly<Record<Controller, boolean>>): CgroupPaths {
  const agent = `ostler-${ref.agent.replaceAll(/[^A-Za-z0-9]/g, '').slice(0, 8)}`;
  const under = (folder: string | null) => (folder === null ? null : join(folder, agent, `${ref.worker}-${ref.instance}`));
  return {
    own: under(place.own),
    memory: wants.memory ? under(place.memory) : null,
    cpu: wants.cpu ? under(place.cpu) : null,
    pids: wants.pids ? under(place.pids) : null,
  };
}
