import type { Problem } from '../base/problem.ts';
import { sqliteTrouble } from './sqlite-error.ts';

/** What a person reads when the store at `dataDir` cannot be opened. */
export function openProblem(dataDir: string, error: unknown): Problem {
  const said = error instanceof Error ? error.message : String(error);
  const trouble = sqliteTrouble(error);
  if (trouble === 'full') {
    return {
      code: 'data-dir-full',
      message: `The disk of the data directory ${dataDir} is full: the store cannot be opened (${said}).`,
      hint: 'Free some room on that disk, or choose another data directory with --data-dir. Running workers were not touched.',
    };
  }
  if (trouble === 'busy') return agentIsRunning(dataDir, null);
  return {
    code: 'data-dir-not-writable',
    message: `The store in the data directory ${dataDir} cannot be opened: ${said}.`,
    hint: 'Check the owner, the permissions and the disk of that directory. Nothing was changed, running workers were not touched.',
  };
}

export function agentIsRunning(dataDir: string, pid: number | null): Problem {
  const who = pid === null ? 'Another process' : `Another agent (pid ${pid})`;
  return {
    code: 'agent-is-running',
    message: `${who} holds the data directory ${dataDir}: one agent per data directory.`,
    hint: 'Use the running agent (`ostler ps`), stop it first, or choose another data directory with --data-dir.',
  };
}

export function storeNewer(path: string, form: number, known: number): Problem {
  return {
    code: 'store-newer',
    message: `The store ${path} was written by a newer version of ostler (form ${form}; this version knows ${known}). It was not touched.`,
    hint: 'Install the newer version again, or put a copy of an older store back (`state.db.before-N`) while no agent runs.',
  };
}
