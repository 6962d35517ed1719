import { type Fleet, type Member, minUpMs } from './fleet.ts';
import type { Spans } from './spans.ts';
import type { Instance, World } from './world.ts';

/** What a judge may know: what the workers and the kernel say, and what the chaos run did. Nothing of the agent. */
export interface Evidence {
  readonly world: World;
  readonly spans: Spans;
  readonly fleet: Fleet;
  /** What the chaos run has killed, `INDEX/PID`, and when. */
  readonly killed: ReadonlyMap<string, number>;
}

/**
 * How long the agent may take between its decision to start a worker and the worker's first instruction, and between the death of a dependency and its
 * notice of it. A worker whose holder was killed is looked at once a second; the rest is for a machine that has other work. Time in which the agent was
 * dead or frozen, its disk full, or the machine so busy that the observer itself did not come to its turn, comes on top: the decision was persisted
 * before, and is carried out after.
 */
export const decisionMs = 5000;
/** A wish is carried out within this time, as long as the agent can. */
export const wishMs = 10_000;
/** What the file system's clock is behind, from which an instance's age is counted. */
const clockMs = 30;

/** Every dependency held at some moment of the time in which the start can have been decided. What does not, in a sentence. */
export function orderOf(start: Instance, { world, spans, fleet }: Evidence): string | null {
  const member = fleet[start.index];
  for (const [on, rule] of member?.dependsOn ?? []) {
    const dependency = fleet[on];
    if (dependency === undefined) continue;
    const lives = world.of(on).filter(({ forkedMs }) => forkedMs <= start.startMs);
    if (rule === 'completed') {
      if (!lives.some(({ left }) => left?.code === 0 && left.atMs <= start.startMs)) return `${dependency.name} had never come to its end`;
      continue;
    }
    const fromMs = spans.before(start.startMs, decisionMs, start.index, on);
    const up = lives.filter(({ deadMs }) => deadMs === null || deadMs >= fromMs);
    const last = lives.at(-1);
    if (up.length === 0)
      return last === undefined
        ? `${dependency.name} had never been started`
        : `${dependency.name} was dead, ${since(last.deadMs, start)} before (${since(fromMs, start)} may lie between)`;
    if (rule === 'healthy' && !up.some((one) => isReadyAt(dependency, one, start.startMs))) return `${dependency.name} ran and was not ready yet`;
  }
  return null;
}

const since = (ms: number | null, { startMs }: Instance): string => `${Math.round(startMs - (ms ?? startMs))} ms`;

const isReadyAt = ({ probe }: Member, { forkedMs, readyMs }: Instance, atMs: number): boolean =>
  probe === 'none' ? forkedMs + minUpMs - clockMs <= atMs : readyMs !== null && readyMs <= atMs;

/** A worker dies by itself, by the chaos run, or because somebody wished that it stops: not with its agent, and not by a mistake. */
export function deathOf(dead: Instance, { world, spans, killed }: Evidence): string | null {
  if (dead.left !== null || killed.has(`${dead.index}/${dead.pid}`)) return null;
  const byMs = dead.deadMs ?? dead.aliveMs;
  const fromMs = spans.before(dead.toldMs ?? dead.aliveMs, wishMs, dead.index);
  if (spans.touches('may stop', dead.index, fromMs, byMs)) return null;
  const before = world.of(dead.index).indexOf(dead) + 1;
  return `life ${before} (pid ${dead.pid}) ended after ${Math.round(byMs - dead.startMs)} ms ${dead.toldMs === null ? 'without a SIGTERM' : 'by a SIGTERM'}, and nobody had wished it`;
}

/** What a person holds, and was told so, is not started. */
export function holdOf(start: Instance, { spans }: Evidence): string | null {
  const hold = spans.of('held', start.index).find(({ fromMs, toMs }) => fromMs < start.startMs && start.startMs < (toMs ?? Number.POSITIVE_INFINITY));
  return hold === undefined ? null : `it was started ${Math.round(start.startMs - hold.fromMs)} ms after a person was told that it is stopped`;
}
