import type { InstanceRef, RuntimeDriver } from '@ostler/sdk';
import { isRuntimeFailure, runtimeFailure } from '@ostler/sdk';
import { laidOver } from './laid-over.ts';
import { numbersIn } from './numbers-in.ts';

/** Without its handle an instance is gone. */
export function forgetsIdentity(driver: RuntimeDriver): RuntimeDriver {
  return laidOver(driver, {
    inspect: async (target, call) => {
      const found = await driver.inspect(target, call);
      return target.handle === null ? { is: 'gone', engine: found.engine } : found;
    },
    stop: async (target, how, call) => {
      if (target.handle !== null) return driver.stop(target, how, call);
      return { is: 'gone', engine: (await driver.inspect(target, call)).engine };
    },
  });
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** A pid in the handle that is alive is the worker, whoever it is now. */
export function trustsThePid(driver: RuntimeDriver): RuntimeDriver {
  return laidOver(driver, {
    inspect: async (target, call) => {
      const found = await driver.inspect(target, call);
      const pid = target.handle === null ? undefined : numbersIn(target.handle.data).find((number) => number > 1 && number < 2 ** 22 && isAlive(number));
      if (found.is !== 'exited' || pid === undefined) return found;
      return { ref: found.ref, handle: found.handle, engine: found.engine, is: 'running', startedAt: new Date().toISOString(), endpoints: [], pid };
    },
  });
}

/** A start whose caller gave up is carried out all the same, and the next one of this ref is made under another name. */
export function startsTwiceAfterAnAbort(driver: RuntimeDriver): RuntimeDriver {
  const lost = new Map<string, Promise<unknown>>();
  const twins: InstanceRef[] = [];
  const patient = () => ({ signal: AbortSignal.timeout(30_000), deadlineMs: Date.now() + 30_000, progress: () => {}, output: () => {} });
  return laidOver(driver, {
    start: async (ref, run, call) => {
      const before = lost.get(ref.instance);
      if (before !== undefined) {
        await before;
        const twin = { ...ref, instance: `${ref.instance}x` };
        twins.push(twin);
        const observed = await driver.start(twin, run, patient());
        return { ...observed, ref };
      }
      if (!call.signal.aborted) await Promise.resolve();
      if (!call.signal.aborted) return driver.start(ref, run, call);
      lost.set(
        ref.instance,
        driver.start(ref, run, patient()).catch(() => {}),
      );
      throw runtimeFailure({ code: 'aborted', outcome: 'unknown', retryable: true, message: 'the caller gave up' });
    },
    inspect: async (target, call) => {
      const found = await driver.inspect(target, call);
      return lost.has(target.ref.instance) && twins.every((twin) => twin.instance !== `${target.ref.instance}x`) ? { is: 'gone', engine: found.engine } : found;
    },
  });
}

/** What cannot be told is gone. */
export function saysGoneForCannotTell(driver: RuntimeDriver): RuntimeDriver {
  return laidOver(driver, {
    inspect: async (target, call) => {
      try {
        call.signal.throwIfAborted();
        return await driver.inspect(target, call);
      } catch {
        return { is: 'gone', engine: 'unknown' };
      }
    },
  });
}

/** Another generation under the same instance is taken for the one that runs. */
export function ignoresTheGeneration(driver: RuntimeDriver): RuntimeDriver {
  return laidOver(driver, {
    start: async (ref, run, call) => {
      try {
        return await driver.start(ref, run, call);
      } catch (error) {
        if (!isRuntimeFailure(error) || error.code !== 'conflict') throw error;
        const found = await driver.inspect({ ref, handle: null }, call).catch(() => null);
        return { ref, handle: found !== null && found.is !== 'gone' ? found.handle : { version: 1, data: null }, engine: 'x', is: 'created' };
      }
    },
  });
}

/** Errors lose code and outcome on their way. */
export function throwsPlainErrors(driver: RuntimeDriver): RuntimeDriver {
  return laidOver(driver, {
    remove: async (target, call) => {
      try {
        await driver.remove(target, call);
      } catch (error) {
        throw new Error(error instanceof Error ? error.message : String(error));
      }
    },
  });
}
