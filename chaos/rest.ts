import { setTimeout as pause } from 'node:timers/promises';
import { longestBackoffMs, type Member } from './fleet.ts';
import { nowMs } from './process.ts';
import type { Stage } from './stage.ts';

/** A worker that crashes by itself is back within this time: the longest pause with its jitter, and a start. */
const backMs = longestBackoffMs * 1.2 + 2000;

/** The first worker that is not as it is wished, in a sentence; `null`: all are. Asks workers and kernel, not the agent. */
export function unsettled({ fleet, world, wishes }: Stage): string | null {
  world.look();
  const { variants, removed } = wishes.edition;
  for (const member of fleet) {
    const variant = variants.get(member.index) ?? 0;
    const isWanted = !removed.has(member.index) && !wishes.held.has(member.index);
    const why = isWanted ? notYet(member, variant, world) : world.live(member.index) === null ? null : 'lives and is not wanted';
    if (why !== null) return `${member.name} ${why}`;
  }
  return null;
}

function notYet({ index, kind, livesMs, probe }: Member, variant: number, world: Stage['world']): string | null {
  const last = world.of(index).at(-1);
  if (last === undefined) return 'was never started';
  const is = `is of variant ${last.variant}`;
  if (last.variant !== variant) return `${is}, not of ${variant}`;
  if (kind === 'job') return last.left?.code === 0 && last.deadMs !== null ? null : 'has not come to its end';
  if (livesMs > 0) return last.deadMs === null || nowMs() - last.deadMs < backMs ? null : `has been dead for ${Math.round(nowMs() - last.deadMs)} ms`;
  if (last.deadMs !== null) return `has been dead for ${Math.round(nowMs() - last.deadMs)} ms`;
  return probe === 'none' || last.readyMs !== null ? null : 'is not ready';
}

/** Waits for it; `null`, or what is not as wished when the time is over. */
export async function settled(stage: Stage, withinMs: number): Promise<string | null> {
  for (const end = nowMs() + withinMs; ; await pause(50)) {
    const why = unsettled(stage);
    if (why === null || nowMs() > end) return why;
  }
}
