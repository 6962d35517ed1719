import type { Agent } from './agent.ts';
import type { Engine } from './engine.ts';

/** An engine is noticed to be away within this (docs/architecture.md); what had ended before that is told from a crash by nobody. */
const noticeMs = 15_000;

/** Instances that ended with their engine while their agent could not see them: no failure of theirs. */
export class Losses {
  /** `WORKER/INSTANCE`. */
  readonly lost = new Set<string>();
  /** The workers that could not be seen when the last step had come to its end. */
  blind: ReadonlySet<string> = new Set();

  forget(): void {
    this.lost.clear();
  }

  /** A step has come to its end. `isTimeKnown`: no clock was set, and nobody slept. */
  note(agent: Agent | null, engines: readonly Engine[], isTimeKnown: boolean): void {
    const all = agent?.crew.all() ?? [];
    // Seen to run after all, by an answer from before its end: nothing that this agent knows tells that end from a crash.
    for (const { worker, life } of all) if (life.phase === 'running' && life.blind === null) this.lost.delete(`${worker}/${life.instance}`);
    const blind = all.filter(({ life }) => life.blind !== null);
    this.blind = new Set(blind.map(({ worker }) => worker));
    for (const { worker, life } of isTimeKnown ? blind : []) {
      const key = `${worker}/${life.instance}`;
      // Its end was seen, and judged, before anybody knew that its engine was away.
      if (['idle', 'done', 'failed', 'backoff'].includes(life.phase)) continue;
      const real = engines.map(({ instances }) => instances.get(key)).find((one) => one?.endedWithEngine);
      const isLongAgo = Date.parse(real?.exit?.at ?? '') < Date.parse(life.blind?.since ?? '') - noticeMs;
      if (real !== undefined && !isLongAgo) this.lost.add(key);
    }
  }
}
