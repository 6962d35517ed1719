import { stat } from 'node:fs/promises';
import { inShort, type Prepare } from './prepared.ts';

interface FileOptions {
  /** Absolute, on the agent's host. */
  readonly path: string;
  /** Milliseconds; absent = however old it is. */
  readonly maxAge?: number | undefined;
}

/** Good when the file is there and, with `maxAge`, was written within it. A folder is no file, a symbolic link is what it leads to. */
export const prepareFile: Prepare = (given, { clock, fileAge }) => {
  const { path, maxAge = null } = given as FileOptions;
  const what = `the file ${inShort(path)}`;
  return {
    what,
    ask: async (call) => {
      call.progress('its disk does not answer');
      const beganMs = clock.monotonicMs();
      const found = await look(path);
      const agoMs = fileAge.at(found?.mtimeMs ?? null, beganMs);
      if (found === null || agoMs === null) return { ok: false, evidence: `${what} is not there` };
      if (found.isDirectory()) return { ok: false, evidence: `${what} is a folder` };
      if (maxAge === null) return { ok: true, evidence: `${what} is there` };
      const written = `${what} was written ${inSeconds(agoMs)} ago`;
      return agoMs <= maxAge ? { ok: true, evidence: written } : { ok: false, evidence: `${written}, expected within ${maxAge / 1000} s` };
    },
  };
};

async function look(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

const inSeconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
