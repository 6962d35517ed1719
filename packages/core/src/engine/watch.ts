import { type Call, type EngineFacts, isRuntimeFailure, type RuntimeDriver } from '@ostler/sdk';
import { callWithDeadline } from '../base/call.ts';
import type { Cancel, CoreClock } from '../base/clock.ts';
import type { StuckCalls } from '../base/stuck-calls.ts';
import type { InPlugin } from '../base/watchdog.ts';

export interface EngineState {
  readonly state: 'starting' | 'up' | 'down';
  /** RFC 3339. */
  readonly since: string;
  /** Why it is not up. */
  readonly reason: string | null;
  /** As last told; kept while it is down. */
  readonly facts: EngineFacts | null;
  /** This host has none, as its driver says. */
  readonly isMissing: boolean;
}

export interface EngineGiven {
  readonly runtime: string;
  readonly driver: Pick<RuntimeDriver, 'ping' | 'facts'>;
  /** Id of the plugin that brings it. */
  readonly plugin: string;
  readonly clock: CoreClock;
  readonly stuck: StuckCalls;
  readonly inPlugin?: InPlugin | undefined;
  readonly pingEveryMs?: number | undefined;
  readonly pingMs?: number | undefined;
  readonly factsEveryMs?: number | undefined;
  readonly factsMs?: number | undefined;
  /** After each change of `state`. */
  onChange(state: EngineState): void;
}

export interface EngineWatch {
  state(): EngineState;
  /** Resolves with the first verdict. */
  ready(): Promise<void>;
  /** Something went wrong with it: asked at once, not at the next turn. */
  suspect(): void;
  close(): void;
}

/** So many pings in a row must fail before an engine counts as down: one may have been unlucky. */
const failuresToDown = 2;
/** A suspicion is looked into no more often than this. */
const suspicionMs = 250;

/** Asks an engine whether it is there, one call at a time, for as long as the agent lives. A call that never ends marks it down and is not repeated until it ends. */
export function watchEngine(given: EngineGiven): EngineWatch {
  const { runtime, driver, plugin, clock, stuck, inPlugin = (_, run) => run(), onChange } = given;
  const { pingEveryMs = 5000, pingMs = 2000, factsEveryMs = 30_000, factsMs = 10_000 } = given;
  let now: EngineState = { state: 'starting', since: clock.isoNow(), reason: null, facts: null, isMissing: false };
  let failures = 0;
  let factsAtMs = Number.NEGATIVE_INFINITY;
  let isClosed = false;
  let isAsking = false;
  let wake = (): void => {};
  /** A call that outlived its deadline: nothing new is asked before it ends. */
  let lost: Promise<unknown> | null = null;
  let isSuspected = false;
  const first = Promise.withResolvers<void>();
  const closing = new AbortController();

  const ask = async <T>(name: string, ms: number, run: (call: Call) => Promise<T>): Promise<T> => {
    let running: Promise<void> | null = null;
    try {
      return await callWithDeadline({ name: `${name} of ${runtime}`, plugin, ms, clock, stuck, isMutating: false, signal: closing.signal }, (call) => {
        const asked = inPlugin(plugin, () => run(call));
        const settled = (): void => {
          running = null;
          if (lost === null) return;
          lost = null;
          wake();
        };
        running = Promise.resolve(asked).then(settled, settled);
        return asked;
      });
    } catch (error) {
      // Still at it, although it was given up.
      lost = running;
      throw error;
    }
  };

  const become = (state: 'up' | 'down', reason: string | null, facts: EngineFacts | null, isMissing = false): void => {
    const isNew = state !== now.state;
    now = { state, reason, facts, isMissing, since: isNew ? clock.isoNow() : now.since };
    if (isNew && !isClosed) onChange(now);
    first.resolve();
  };

  const turn = async (): Promise<void> => {
    if (lost !== null) {
      become('down', now.state === 'down' ? now.reason : 'it has not answered the last call yet', now.facts);
      return;
    }
    try {
      // The first answer, and the one after a loss, must say what is there: it may be another store.
      // After one lost ping it is the short question again: the long one would keep the verdict waiting.
      if (now.state !== 'up' || (failures === 0 && clock.monotonicMs() - factsAtMs >= factsEveryMs)) {
        const facts = await ask('facts', factsMs, (call) => driver.facts(call));
        factsAtMs = clock.monotonicMs();
        failures = 0;
        become('up', null, facts);
        return;
      }
      await ask('ping', pingMs, (call) => driver.ping(call));
      failures = 0;
    } catch (error) {
      failures += 1;
      const isCertain = isRuntimeFailure(error) && (error.code === 'engine-down' || error.code === 'engine-hung');
      const reason = error instanceof Error ? error.message : String(error);
      if (isCertain || failures >= failuresToDown || now.state !== 'up')
        become('down', reason, now.facts, isRuntimeFailure(error) && error.code === 'unsupported');
      factsAtMs = Number.NEGATIVE_INFINITY;
    }
  };

  void (async () => {
    while (!isClosed) {
      isAsking = true;
      await turn();
      isAsking = false;
      // A suspicion that came while a call was out may be younger than its answer.
      const waitMs = isSuspected || (failures > 0 && now.state === 'up') ? suspicionMs : pingEveryMs;
      isSuspected = false;
      await new Promise<void>((resolve) => {
        const cancel = clock.after(waitMs, resolve);
        wake = () => {
          cancel();
          resolve();
        };
        if (isClosed) wake();
      });
    }
  })();

  let suspectedMs = Number.NEGATIVE_INFINITY;
  let later: Cancel | null = null;
  const lookInto = (): void => {
    later = null;
    suspectedMs = clock.monotonicMs();
    wake();
  };
  return {
    state: () => now,
    ready: () => first.promise,
    suspect() {
      if (isAsking) {
        isSuspected = true;
        return;
      }
      const waitMs = suspectedMs + suspicionMs - clock.monotonicMs();
      if (waitMs > 0) later ??= clock.after(waitMs, lookInto);
      else lookInto();
    },
    close() {
      isClosed = true;
      closing.abort();
      later?.();
      wake();
      first.resolve();
    },
  };
}
