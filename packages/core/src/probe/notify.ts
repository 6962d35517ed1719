import type { Heard } from './hearing.ts';
import { inShort, type Prepare } from './prepared.ts';

interface NotifyOptions {
  /** Milliseconds. */
  readonly watchdog?: number | undefined;
}

/** From the contract of the runtimes. */
const mostMs = 2000;

/**
 * Good once the worker said `READY=1` by sd_notify(3); with a watchdog as long as it says `WATCHDOG=1` often enough, counted from `READY=1` on, and
 * never once it said `WATCHDOG=trigger`. `STOPPING=1` is told and judges nothing: a worker that ends by itself is seen when it has ended.
 */
export const prepareNotify: Prepare = (given, { hearing }) => {
  const { watchdog = null } = (given ?? {}) as NotifyOptions;
  return {
    what: 'the notify probe',
    mostMs,
    ask: async (call) => {
      if (hearing === null) return { ok: false, evidence: 'its runtime does not hear what it says by sd_notify(3)' };
      const heard = await hearing.ask(call);
      if (heard === null) return { ok: false, evidence: 'nobody listens to what it says by sd_notify(3): it has to be restarted' };
      const { status } = heard.said;
      const trouble = troubleOf(heard, watchdog);
      const told = trouble ?? (heard.said.stoppingAt === null ? 'said READY=1' : 'said READY=1, and STOPPING=1');
      const text = status === null ? '' : inShort(status);
      return { ok: trouble === null, evidence: text === '' ? told : `${told}; its status: ${text}` };
    },
  };
};

function troubleOf({ said, readyAgoMs, aliveAgoMs }: Heard, watchdogMs: number | null): string | null {
  if (said.isTripped) return 'said WATCHDOG=trigger';
  if (readyAgoMs === null) return 'has not said READY=1 yet';
  if (watchdogMs === null) return null;
  const expected = `expected every ${watchdogMs / 1000} s`;
  if (aliveAgoMs !== null && aliveAgoMs <= readyAgoMs) return aliveAgoMs > watchdogMs ? `said WATCHDOG=1 last ${inSeconds(aliveAgoMs)} ago, ${expected}` : null;
  return readyAgoMs > watchdogMs ? `has not said WATCHDOG=1 since READY=1 ${inSeconds(readyAgoMs)} ago, ${expected}` : null;
}

const inSeconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
