import type { Engine } from './engine.ts';
import type { Request } from './requests.ts';
import type { Owner } from './timeline.ts';

/** After a call that failed its engine is asked again within this: at once, or after the question that is out and a pause. */
const withinMs = 600;
const tells: ReadonlySet<string> = new Set(['start', 'stop', 'inspect']);
const asks: ReadonlySet<string> = new Set(['ping', 'facts']);

/** Since when each engine is to be asked whether it is there, because a call to it failed; `null` = since the step that has not come to its end. */
export class Suspicions {
  readonly #sinceMs = new Map<Engine, number | null>();

  failed({ method, engine }: Request): void {
    if (tells.has(method) && !this.#sinceMs.has(engine)) this.#sinceMs.set(engine, null);
  }

  asked({ method, engine }: Request): void {
    if (asks.has(method)) this.#sinceMs.delete(engine);
  }

  /** The host slept: no time for its agent. */
  sleep(ms: number): void {
    for (const [engine, sinceMs] of this.#sinceMs) this.#sinceMs.set(engine, sinceMs === null ? null : sinceMs + ms);
  }

  forget(): void {
    this.#sinceMs.clear();
  }

  /** An engine that this agent should have asked by now, in a sentence. While an earlier question is out none is put. */
  overdue(nowMs: number, owner: Owner | undefined): string | null {
    for (const [engine, sinceMs] of this.#sinceMs) {
      if (engine.requests.some((one) => one.owner === owner && asks.has(one.method))) this.#sinceMs.delete(engine);
      else if (sinceMs === null) this.#sinceMs.set(engine, nowMs);
      else if (nowMs > sinceMs + withinMs) return `a call to ${engine.name} failed, and ${nowMs - sinceMs} ms later it was not asked whether it is there`;
    }
    return null;
  }
}
