import type { Agent } from './agent.ts';

/** A timer may come so late. */
const slackMs = 3000;

/** How long workers wait for their next try, by the one time of a story: a clock of the host that was set makes nobody wait for longer than its rule says. */
export class Waits {
  /** By worker, the epoch in which it waits and since when. */
  #since = new Map<string, { readonly epoch: number; readonly ms: number }>();

  /** One that has waited for too long, in a sentence. */
  overdue(agent: Agent | null, nowMs: number): string | null {
    const before = this.#since;
    this.#since = new Map();
    // One that is coming up has begun with nobody yet.
    for (const one of agent?.isUp ? agent.crew.all() : []) {
      const { phase, epoch } = one.life;
      const backoff = one.normal()?.rules.restart.backoff;
      if (phase !== 'backoff' || backoff === undefined || one.isClosed) continue;
      const known = before.get(one.worker);
      const since = known?.epoch === epoch ? known : { epoch, ms: nowMs };
      this.#since.set(one.worker, since);
      const longestMs = Math.max(backoff.firstMs, backoff.maxMs) * (1 + backoff.jitter);
      if (nowMs - since.ms > longestMs + slackMs) return `${one.worker} waits for its next try since ${nowMs - since.ms} ms, ${longestMs} may be`;
    }
    return null;
  }

  /** The host slept, and timers with it. */
  sleep(ms: number): void {
    for (const [worker, { epoch, ms: since }] of this.#since) this.#since.set(worker, { epoch, ms: since + ms });
  }

  forget(): void {
    this.#since.clear();
  }
}
