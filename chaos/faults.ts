import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { processes } from '../bench/processes.ts';
import { nowMs, statOf } from './process.ts';
import { livingOf, type Stage } from './stage.ts';
import type { Instance } from './world.ts';

/** A way to do harm. */
export interface Fault {
  readonly name: string;
  /** How often it is chosen, beside the others. */
  readonly weight: number;
  readonly killsAgent?: true;
  /** `null`, or why it cannot be done on this host. */
  missing?(stage: Stage): string | null;
  /** Whether it was done. */
  begin(stage: Stage): boolean;
}

const signal = (pid: number, name: NodeJS.Signals): boolean => {
  try {
    return process.kill(pid, name);
  } catch {
    // It has ended.
    return false;
  }
};

function killWorker({ observer, world }: Stage, { index, pid }: Instance): void {
  world.look();
  if (world.live(index)?.pid !== pid) return;
  observer.tell({ is: 'killed', index, pid, atMs: nowMs() });
  signal(pid, 'SIGKILL');
}

/** Who holds this instance; `null`: its holder is gone, or is no program of its own. */
function holderOf({ pid }: Instance): number | null {
  const parent = statOf(pid)?.parent;
  return parent !== undefined && parent > 1 && statOf(parent)?.name === 'ostler-holder' ? parent : null;
}

/** From now until `ms` later this worker may be found unhealthy by what it says, or does not say, of itself. */
function mayBeUnwell({ observer }: Stage, index: number, ms: number, why: string): void {
  observer.span('may stop', index, why)(nowMs() + ms);
}

const unwellMs = 20_000;

/** Some die while they come up; not so many that on a slow machine none ever does. */
const isDue = (agent: Stage['agent'], random: Stage['random']): boolean => random.chance(0.3) || agent.isAble;

export const faults: readonly Fault[] = [
  {
    name: 'kill -9 of a worker',
    weight: 14,
    begin(stage) {
      const some = livingOf(stage).slice(0, stage.random.chance(0.1) ? 10 : 1 + stage.random.int(2));
      for (const { instance } of some) killWorker(stage, instance);
      return some.length > 0;
    },
  },
  {
    name: 'kill -9 of the agent',
    weight: 2.5,
    killsAgent: true,
    begin({ agent, random }) {
      if (!isDue(agent, random)) return false;
      agent.kill(random.chance(0.5) ? 0 : random.int(2000));
      return true;
    },
  },
  {
    name: 'kill -9 of agent and workers',
    weight: 1,
    killsAgent: true,
    begin(stage) {
      if (!isDue(stage.agent, stage.random)) return false;
      const some = livingOf(stage).slice(0, 1 + stage.random.int(6));
      const isAfter = stage.random.chance(0.5);
      if (!isAfter) stage.agent.kill(stage.random.int(1500));
      for (const { instance } of some) killWorker(stage, instance);
      if (isAfter) stage.agent.kill(stage.random.int(1500));
      return true;
    },
  },
  {
    name: 'the agent frozen',
    weight: 2,
    begin({ agent, random, later }) {
      if (agent.isFrozen || agent.pid === null) return false;
      agent.freeze();
      later(100 + random.int(3000), () => agent.thaw());
      return true;
    },
  },
  {
    name: 'a worker frozen',
    weight: 3,
    begin(stage) {
      const [chosen] = livingOf(stage);
      if (chosen === undefined) return false;
      const { member, instance } = chosen;
      const ms = 100 + stage.random.int(2500);
      stage.observer.say(member.index, `pid ${instance.pid} is frozen for ${ms} ms`);
      if (member.probe === 'watchdog') mayBeUnwell(stage, member.index, unwellMs, 'it is frozen and has a watchdog');
      signal(instance.pid, 'SIGSTOP');
      stage.later(ms, () => {
        stage.world.look();
        if (stage.world.live(member.index) === instance) signal(instance.pid, 'SIGCONT');
      });
      return true;
    },
  },
  {
    name: 'a holder frozen',
    weight: 2,
    begin(stage) {
      const chosen = livingOf(stage).find(({ instance }) => holderOf(instance) !== null);
      const holder = chosen === undefined ? null : holderOf(chosen.instance);
      if (chosen === undefined || holder === null) return false;
      const { index, probe } = chosen.member;
      const end = stage.observer.span('unable', index, 'its holder is frozen');
      if (probe === 'watchdog' || probe === 'notify') mayBeUnwell(stage, index, unwellMs, 'its holder is frozen and does not hear it');
      signal(holder, 'SIGSTOP');
      stage.later(100 + stage.random.int(2500), () => {
        if (statOf(holder)?.name === 'ostler-holder') signal(holder, 'SIGCONT');
        end();
      });
      return true;
    },
  },
  {
    name: 'kill -9 of a holder',
    weight: 2,
    begin(stage) {
      const chosen = livingOf(stage).find(({ instance }) => holderOf(instance) !== null);
      const holder = chosen === undefined ? null : holderOf(chosen.instance);
      if (chosen === undefined || holder === null) return false;
      const { index, probe } = chosen.member;
      stage.observer.say(index, `its holder ${holder} is killed`);
      if (probe === 'watchdog' || probe === 'notify') mayBeUnwell(stage, index, unwellMs, 'its holder is gone and does not hear it');
      signal(holder, 'SIGKILL');
      return true;
    },
  },
  {
    name: 'kill -9 of the launcher',
    weight: 0.7,
    begin({ agent, observer }) {
      const launcher = launcherOf(agent.pid);
      if (launcher === null) return false;
      observer.say(null, `the launcher ${launcher} is killed`);
      return signal(launcher, 'SIGKILL');
    },
  },
  {
    name: 'the disk filled',
    weight: 1,
    missing: ({ site }) => site.noDisk,
    begin({ site, agent, random, later }) {
      if (site.disk === null) return false;
      const ballast = join(site.disk, 'ballast');
      agent.disk(true);
      fill(ballast);
      later(500 + random.int(3500), () => {
        rmSync(ballast, { force: true });
        agent.disk(false);
      });
      return true;
    },
  },
  {
    name: 'apply of a changed file',
    weight: 1.5,
    begin({ wishes, fleet, random }) {
      const free = fleet.filter((one) => wishes.isFree(one));
      if (!wishes.hasRoom || free.length === 0) return false;
      const some = new Set(Array.from({ length: 1 + random.int(3) }, () => random.pick(free)));
      const leaf = random.chance(0.3) ? wishes.leaf((list) => random.pick(list)) : null;
      wishes.apply(
        [...some].filter((one) => one !== leaf),
        leaf,
      );
      return true;
    },
  },
  {
    name: 'stop by hand',
    weight: 3,
    begin({ wishes, fleet, random, later }) {
      const free = fleet.filter((one) => wishes.isFree(one) && !wishes.held.has(one.index));
      if (!wishes.hasRoom || free.length === 0) return false;
      const member = random.pick(free);
      wishes.stop(member);
      // Not for ever, or most would be held at the end.
      if (random.chance(0.8)) later(3000 + random.int(8000), () => (wishes.isFree(member) ? wishes.start(member, 'start') : undefined));
      return true;
    },
  },
  {
    name: 'start or restart by hand',
    weight: 2,
    begin({ wishes, fleet, random }) {
      const free = fleet.filter((one) => wishes.isFree(one));
      if (!wishes.hasRoom || free.length === 0) return false;
      wishes.start(random.pick(free), random.chance(0.3) ? 'start' : 'restart');
      return true;
    },
  },
];

/** The agent's own child that starts the holders. */
function launcherOf(agent: number | null): number | null {
  const launcher = agent === null ? undefined : processes().find(({ pid, parent }) => parent === agent && statOf(pid)?.name === 'ostler-launcher');
  return launcher?.pid ?? null;
}

/** Until nothing more fits. */
function fill(path: string): void {
  const file = openSync(path, 'w', 0o600);
  try {
    for (let block = Buffer.alloc(1 << 20, 1); block.length > 0; ) {
      try {
        writeSync(file, block);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        block = block.subarray(0, Math.floor(block.length / 16));
      }
    }
  } finally {
    closeSync(file);
  }
}
