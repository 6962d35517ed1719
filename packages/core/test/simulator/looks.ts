import type { Found } from '@ostler/sdk';
import type { Supervisor } from '../../src/supervise/index.ts';
import type { Life } from '../../src/supervise/life.ts';
import type { View } from './invariants.ts';
import type { Request } from './requests.ts';

/** What cannot be looked at is looked at again within this. */
const againMs = 2600;

interface Seen {
  readonly instance: string | null;
  readonly found: Found;
  readonly phase: Life['phase'] | undefined;
  readonly blind: Life['blind'] | undefined;
}

/** What this agent was told when it looked at a worker: what follows from that, at once or after a while. */
export class Looks {
  readonly #seen = new Map<string, Seen>();
  /** It is to turn blind for that. */
  readonly #failed = new Set<string>();
  /** Since when each is to be looked at again; `null` = since the step that has not come to its end. */
  readonly #owedMs = new Map<string, number | null>();

  /** Since when nobody has looked for one that is out of sight on an engine that answers; of the others, the present. */
  readonly #unseenMs = new Map<string, number>();
  /** What each look found last. */
  readonly #last = new Map<string, Found>();
  /** By runtime, whether it answered when this was asked last. */
  readonly #wasUp = new Map<string, boolean>();
  /** Those that are to turn blind because their runtime does not answer any more. */
  readonly #left = new Set<string>();

  /** Those that were asked for a worker that has been forgotten since: of one of its name they say nothing. */
  readonly #stale = new WeakSet<Request>();
  readonly #asked = new Map<string, Request>();

  asked(request: Request): void {
    const { method, worker } = request;
    if (method !== 'inspect' || worker === null) return;
    this.#owedMs.delete(worker);
    this.#asked.set(worker, request);
  }

  answered(request: Request, value: unknown, life: Life | undefined): void {
    const { method, worker, instance } = request;
    if (method !== 'inspect' || worker === null || this.#stale.has(request)) return;
    this.#failed.delete(worker);
    this.#unseenMs.delete(worker);
    this.#last.set(worker, value as Found);
    this.#left.delete(worker);
    this.#seen.set(worker, { instance, found: value as Found, phase: life?.phase, blind: life?.blind });
  }

  failed(request: Request, one: Supervisor | undefined): void {
    const { method, worker, instance } = request;
    const life = one?.life;
    if (method !== 'inspect' || worker === null || life?.instance !== instance || this.#stale.has(request)) return;
    this.#unseenMs.delete(worker);
    this.#seen.delete(worker);
    // As its runtime is now: at the end of the step it may be taken over.
    if (life.blind === null && !hasLeft(one)) this.#failed.add(worker);
    this.#owedMs.set(worker, null);
  }

  changed(worker: string, life: Life | undefined): void {
    if (life === undefined || life.blind !== null) this.#failed.delete(worker);
    if (life !== undefined) return;
    this.#owedMs.delete(worker);
    const asked = this.#asked.get(worker);
    if (asked !== undefined) this.#stale.add(asked);
  }

  sleep(ms: number): void {
    for (const [worker, sinceMs] of this.#owedMs) this.#owedMs.set(worker, sinceMs === null ? null : sinceMs + ms);
    for (const [worker, sinceMs] of this.#unseenMs) this.#unseenMs.set(worker, sinceMs + ms);
  }

  forget(): void {
    for (const all of [this.#seen, this.#failed, this.#owedMs, this.#unseenMs, this.#last, this.#wasUp, this.#left, this.#asked]) all.clear();
  }

  /** What is out of sight on an engine that answers is looked for; where that has another store now, by the list, now and then. */
  #unsought(agent: View['agent'], engines: View['engines'], nowMs: number): string | null {
    for (const one of agent?.isUp ? agent.crew.all() : []) {
      const { worker, life, services } = one;
      const store = one.instances.get(life.instance ?? '')?.engine ?? null;
      const isElsewhere = store !== null && !engines.some((engine) => engine.store === store);
      const last = this.#last.get(worker);
      const wasElsewhere = life.blind?.reason.startsWith('engine-replaced') === true || (last?.is === 'gone' && last.engine !== store);
      const isHidden = one.isClosed || life.blind === null || isElsewhere || wasElsewhere || services.runtime(one.runtimeName() ?? '')?.isUp() !== true;
      const isSought = engines.some(({ requests }) => requests.some((request) => request.worker === worker && request.method === 'inspect'));
      const sinceMs = isHidden || isSought ? nowMs : (this.#unseenMs.get(worker) ?? nowMs);
      this.#unseenMs.set(worker, sinceMs);
      if (nowMs > sinceMs + againMs)
        return `${worker} is out of sight (${life.blind?.reason}), its engine answers, and ${nowMs - sinceMs} ms later it was not looked at`;
    }
    return null;
  }

  /** With a runtime that answers no more its workers go out of sight, those aside that are seen since. */
  #leave(agent: View['agent']): void {
    for (const one of agent?.isUp ? agent.crew.all() : []) {
      const { phase, blind } = one.life;
      const isInSight = onHost.has(phase) && blind === null && !one.isClosed;
      if (!isInSight) this.#left.delete(one.worker);
    }
    for (const name of ['docker', 'native']) {
      const isUp = agent?.crew.services.runtime(name)?.isUp() ?? false;
      if (this.#wasUp.get(name) === true && !isUp)
        for (const { worker, life } of agent?.crew.all().filter((one) => one.runtimeName() === name && !one.isClosed) ?? [])
          if (onHost.has(life.phase) && life.blind === null) this.#left.add(worker);
      this.#wasUp.set(name, isUp);
    }
  }

  /** `isWriting`: the disk has not taken all. `isQuiet`: nothing at all is on its way, so that all has followed that was to follow without time. */
  ignored({ agent, engines }: View, isWriting: boolean, isQuiet: boolean, nowMs: number): string | null {
    if (isWriting) this.#unseenMs.clear();
    const unsought = isWriting ? null : this.#unsought(agent, engines, nowMs);
    if (unsought !== null) return unsought;
    for (const [worker, sinceMs] of this.#owedMs) {
      const one = agent?.crew.get(worker);
      const life = one?.isClosed ? undefined : one?.life;
      // That it cannot be seen is written down first.
      if (isWriting) this.#owedMs.set(worker, null);
      else if (sinceMs === null) this.#owedMs.set(worker, nowMs);
      else if (life === undefined || life.blind === null || life.instance === null) this.#owedMs.delete(worker);
      else if (nowMs > sinceMs + againMs && !engines.some(({ requests }) => requests.some((one) => one.worker === worker && one.method === 'inspect')))
        return `${worker} could not be looked at, and ${nowMs - sinceMs} ms later it was not looked at again`;
    }
    this.#leave(agent);
    for (const worker of this.#failed) if (hasLeft(agent?.crew.get(worker))) this.#failed.delete(worker);
    if (!isQuiet) return null;
    for (const worker of this.#left) return `its runtime does not answer, and ${worker} is taken for in sight`;
    for (const worker of this.#failed)
      if (agent?.crew.get(worker)?.isForgotten === false) return `${worker} could not be looked at, and is not told to be out of sight`;
    for (const [worker, seen] of this.#seen) {
      const text = unmade(worker, seen, agent?.crew.get(worker));
      if (text !== null) return text;
      this.#seen.delete(worker);
    }
    return null;
  }
}

const onHost: ReadonlySet<string> = new Set(['starting', 'running', 'stopping', 'unresolved']);

/** It ended, and is to be started on another runtime: where the one that it was on does not answer, that says nothing of it. */
function hasLeft(one: Supervisor | undefined): boolean {
  if (one === undefined || onHost.has(one.life.phase) || one.life.mayCome) return false;
  const runtime = one.runtimeName() ?? '';
  return runtime !== one.generation()?.runtime && one.services.runtime(runtime)?.isUp() !== true;
}

function unmade(worker: string, { instance, found, phase, blind }: Seen, one: Supervisor | undefined): string | null {
  const [life, row] = [one?.life, one?.instances.get(instance ?? '') ?? null];
  if (life === undefined || one?.isClosed || life.instance !== instance || row === null) return null;
  const isElsewhere = row.engine !== null && row.engine !== found.engine;
  if (life.blind !== null && life.blind === blind && !isElsewhere) return `${worker}/${instance} was seen (${found.is}), and is out of sight still`;
  const isKept = found.is === 'created' && (phase === 'unresolved' || phase === 'running' || phase === 'stopping');
  return isKept && (row.handle === null || row.engine === null) ? `${worker}/${instance} was seen half-made, and by its row it is nowhere` : null;
}
