import type { Found, Listed, Observed, RuntimeDriver } from '@ostler/sdk';
import { laidOver } from './laid-over.ts';

const asRunning = (found: Found): Found =>
  found.is === 'exited'
    ? { ref: found.ref, handle: found.handle, engine: found.engine, is: 'running', startedAt: new Date().toISOString(), endpoints: [] }
    : found;

/** An exit is never seen: what ended is running for ever. */
export function neverReaps(driver: RuntimeDriver): RuntimeDriver {
  return laidOver(driver, {
    start: async (ref, run, call) => asRunning(await driver.start(ref, run, call)) as Observed,
    inspect: async (target, call) => asRunning(await driver.inspect(target, call)),
    list: async (agent, call) => {
      const { engine, instances } = await driver.list(agent, call);
      return { engine, instances: instances.map((one): Listed => ({ ...one, is: 'running' })) };
    },
  });
}

/** The exit code lives in the driver that saw the worker run: the next one knows nothing of it. */
export function forgetsExitsWithTheAgent(driver: RuntimeDriver): RuntimeDriver {
  const own = new Set<string>();
  return laidOver(driver, {
    start: (ref, run, call) => {
      own.add(ref.instance);
      return driver.start(ref, run, call);
    },
    inspect: async (target, call) => {
      const found = await driver.inspect(target, call);
      if (found.is !== 'exited' || own.has(found.ref.instance)) return found;
      return { ...found, exit: { code: null, signal: null, at: null, oom: 'unknown', evidence: 'inferred' } };
    },
  });
}

/** stop() sends the signal and says that it is done. */
export function stopsWithoutWaiting(driver: RuntimeDriver): RuntimeDriver {
  return laidOver(driver, {
    stop: async (target, how, call) => {
      const found = await driver.inspect(target, call);
      if (found.is !== 'running') return driver.stop(target, how, call);
      const signal = how.signal ?? 'SIGTERM';
      if (found.pid !== undefined) process.kill(found.pid, signal);
      const exit = { code: null, signal, at: null, oom: 'no', evidence: 'holder' } as const;
      return { ref: found.ref, handle: found.handle, engine: found.engine, is: 'exited', exit };
    },
  });
}

/** stop() takes a rule without a signal for one without grace. */
export function killsWhatNamesNoSignal(driver: RuntimeDriver): RuntimeDriver {
  return laidOver(driver, {
    stop: (target, how, call) => driver.stop(target, how.signal === null ? { signal: 'SIGKILL', graceMs: 0 } : how, call),
  });
}

/** stop() takes the worker, and leaves what it forked. */
export function leavesTheTree(driver: RuntimeDriver): RuntimeDriver {
  return laidOver(driver, {
    stop: async (target, _how, call) => {
      const found = await driver.inspect(target, call);
      if (found.is !== 'running' || found.pid === undefined) return found;
      process.kill(found.pid, 'SIGKILL');
      for (;;) {
        const now = await driver.inspect(target, call);
        if (now.is !== 'running') return now;
      }
    },
  });
}

/** close() takes the workers along. */
export function stopsWorkersAtClose(driver: RuntimeDriver): RuntimeDriver {
  const pids: number[] = [];
  return laidOver(driver, {
    start: async (ref, run, call) => {
      const observed = await driver.start(ref, run, call);
      if (observed.is === 'running' && observed.pid !== undefined) pids.push(observed.pid);
      return observed;
    },
    close: async () => {
      for (const pid of pids) process.kill(pid, 'SIGKILL');
      await driver.close();
    },
  });
}
