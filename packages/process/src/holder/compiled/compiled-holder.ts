import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { getSystemErrorName } from 'node:util';
import { type RuntimeFailure, type RuntimeFailureCode, runtimeFailure } from '@ostler/sdk';
import { limitMark } from '../../launch/limit-mark.ts';
import { framedSource } from '../../log/framed-source.ts';
import type { Begun, Holder, HolderStart, Takeover } from '../holder.ts';
import { type Launcher, LauncherGone } from './launcher.ts';
import { drainRecord, holdRecord, maxRecordBytes } from './record.ts';
import type { Reply, Stage } from './reply.ts';

/** What each failed stage was about, for people. */
const was: Readonly<Partial<Record<Stage, string>>> = {
  record: 'its launcher did not understand the record',
  directory: 'its instance directory could not be made',
  fork: 'no process could be made for it',
  cgroup: 'its cgroup could not be entered',
  limit: 'its ulimits could not be set',
};

const codeOf = (stage: Stage, errno: string): RuntimeFailureCode => {
  if (errno === 'ENOSPC' || errno === 'EDQUOT') return 'no-space';
  if (stage === 'fork') return 'no-resources';
  return stage === 'limit' || stage === 'folder' ? 'invalid' : 'internal';
};

function failureOf({ stage, error }: Reply, { spec }: HolderStart): RuntimeFailure {
  const errno = error === 0 ? 'unknown error' : getSystemErrorName(-error);
  const code = codeOf(stage, errno);
  const what = stage === 'folder' ? `the working directory ${spec.cwd} could not be entered` : (was[stage] ?? stage);
  return runtimeFailure({ code, outcome: 'no', retryable: code !== 'invalid', message: `${spec.ref.worker} was not started: ${what} (${errno})` });
}

/** The holder in C, through a launcher. `launcher`: the one that lives, or a fresh one. */
export function compiledHolder(launcher: () => Promise<Launcher>): Holder {
  return {
    name: 'compiled',
    segments: 'framed',
    exit: 'fixed',
    async start(start, call): Promise<Begun | null> {
      const { worker } = start.spec.ref;
      const mark = limitMark(start.spec.ref);
      if (holdRecord(0, start, mark).length > maxRecordBytes)
        throw runtimeFailure({ code: 'invalid', outcome: 'no', retryable: false, message: `command and environment of ${worker} are longer than 4 MiB` });
      makeParents(start);
      const living = await launcher();
      if (call.signal.aborted)
        throw runtimeFailure({ code: 'aborted', outcome: 'no', retryable: true, message: `the start of ${worker} was called off before it ran` });
      const reply = await Promise.race([living.ask((seq) => holdRecord(seq, start, mark)), lost(call.signal, worker)]).catch((error: unknown) => {
        if (!(error instanceof LauncherGone)) throw error;
        throw runtimeFailure({
          code: 'internal',
          outcome: 'unknown',
          retryable: true,
          message: `whether ${worker} was started is not known: ${error.message}`,
        });
      });
      if (reply.pid > 0 && reply.stage === 'ran') return { pid: reply.pid, startTime: String(reply.start) };
      // Another holder has it, or the worker has ended before it was the worker: the directory tells.
      if (reply.pid > 0 || reply.stage === 'claimed') return null;
      throw failureOf(reply, start);
    },
    async takeOver(what: Takeover): Promise<void> {
      const end = framedSource(what.dir).tail(0);
      const { stage, error } = await (await launcher()).ask((seq) => drainRecord(seq, what, end));
      if (stage !== 'ran') throw new Error(`the output of ${what.spec.ref.worker} could not be taken over: ${getSystemErrorName(-error)}`);
    },
  };
}

/** The holder makes the last folder of each path only. */
function makeParents({ dir, spec }: HolderStart): void {
  mkdirSync(dirname(dir), { recursive: true, mode: 0o700 });
  const own = spec.cgroups.own === null ? null : dirname(spec.cgroups.own);
  if (own !== null && !existsSync(own)) mkdirSync(own, { recursive: true, mode: 0o755 });
}

function lost(signal: AbortSignal, worker: string): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener(
      'abort',
      () =>
        reject(
          runtimeFailure({
            code: 'aborted',
            outcome: 'unknown',
            retryable: true,
            message: `the start of ${worker} was not confirmed in time; its holder may still carry it out`,
          }),
        ),
      { once: true },
    );
  });
}
