import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Listed, LogRecord, RuntimeDriver } from '@ostler/sdk';
import type { Scene } from '../conformance/scene.ts';
import { laidOver } from './laid-over.ts';

/** Bytes after the last newline of the log are never given out. */
export function losesTheLastLine(driver: RuntimeDriver): RuntimeDriver {
  return laidOver(driver, {
    logs: async function* (target, from, follow, call): AsyncGenerator<LogRecord> {
      for await (const record of driver.logs(target, from, follow, call)) {
        if (!('bytes' in record)) yield record;
        else yield { ...record, bytes: record.bytes.subarray(0, record.bytes.lastIndexOf(10) + 1) };
      }
    },
  });
}

/** A cursor is not understood: the log is given out from the start again. */
export function forgetsTheCursor(driver: RuntimeDriver): RuntimeDriver {
  return laidOver(driver, {
    logs: (target, from, follow, call) => driver.logs(target, typeof from === 'object' && 'after' in from ? 'start' : from, follow, call),
  });
}

/** What rotation took is not counted. */
export function hidesGaps(driver: RuntimeDriver): RuntimeDriver {
  return laidOver(driver, {
    logs: async function* (target, from, follow, call): AsyncGenerator<LogRecord> {
      for await (const record of driver.logs(target, from, follow, call)) if ('bytes' in record) yield record;
    },
  });
}

/** An instance that cannot be read is taken for rubbish, and not listed. */
export function removesWhatItCannotList(driver: RuntimeDriver): RuntimeDriver {
  return laidOver(driver, {
    list: async (agent, call) => {
      const { engine, instances } = await driver.list(agent, call).catch(() => ({ engine: 'unknown', instances: [] as readonly Listed[] }));
      const kept: Listed[] = [];
      for (const one of instances) {
        const found = await driver.inspect({ ref: one.ref, handle: null }, call).catch(() => null);
        if (found?.is === 'running' || (found?.is === 'exited' && found.exit.evidence === 'holder')) kept.push(one);
        else await driver.remove({ ref: one.ref, handle: null }, call).catch(() => {});
      }
      return { engine, instances: kept };
    },
  });
}

/** list() shows what runs: what ended is not an instance any more. */
export function listsOnlyWhatRuns(driver: RuntimeDriver): RuntimeDriver {
  return laidOver(driver, {
    list: async (agent, call) => {
      const { engine, instances } = await driver.list(agent, call);
      return { engine, instances: instances.filter((one) => one.is === 'running') };
    },
  });
}

/** watch() trusts that nothing happened before. */
export function watchesWithoutAGap(driver: RuntimeDriver): RuntimeDriver {
  return laidOver(driver, {
    watch: async function* (agent, signal) {
      for await (const hint of driver.watch(agent, signal)) if (hint.kind === 'changed') yield hint;
    },
  });
}

/** Secrets outlive their worker: they are copied aside at the start, as a driver does that removes them only in remove(). */
export function keepsSecrets(driver: RuntimeDriver, scene: Scene): RuntimeDriver {
  const aside = join(scene.secretsDir, 'kept');
  return laidOver(driver, {
    start: async (ref, run, call) => {
      const observed = await driver.start(ref, run, call);
      await mkdir(join(aside, ref.instance), { recursive: true });
      for (const file of run.secrets.files) await writeFile(join(aside, ref.instance, file.name), file.bytes);
      return observed;
    },
    remove: async (target, call) => {
      await driver.remove(target, call);
      await rm(join(aside, target.ref.instance), { recursive: true, force: true });
    },
  });
}

/** The handle holds what the start was given, secrets and all. */
export function putsSecretsIntoTheHandle(driver: RuntimeDriver): RuntimeDriver {
  return laidOver(driver, {
    start: async (ref, run, call) => {
      const observed = await driver.start(ref, run, call);
      return { ...observed, handle: { version: observed.handle.version, data: { inner: observed.handle.data, env: { ...run.secrets.env } } } };
    },
  });
}

/** A limit that this host cannot hold is passed over in silence. */
export function keepsSilentOnLimits(driver: RuntimeDriver): RuntimeDriver {
  return laidOver(driver, { check: (spec, facts) => driver.check(spec, facts).filter((finding) => !finding.field.startsWith('limits')) });
}

/** stop() does not look at the signal of its call. */
export function outlivesItsSignal(driver: RuntimeDriver): RuntimeDriver {
  return laidOver(driver, {
    stop: (target, how, call) => driver.stop(target, how, { ...call, signal: AbortSignal.timeout(60_000) }),
  });
}
