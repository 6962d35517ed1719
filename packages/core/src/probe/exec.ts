import type { Call, ExecSession } from '@ostler/sdk';
import type { CoreClock } from '../base/clock.ts';
import { OutputTail } from '../base/output-tail.ts';
import { type ExecAnswer, inShort, type Prepare } from './prepared.ts';

interface ExecOptions {
  readonly command: readonly string[];
}

const tailBytes = 4096;
/** How long the end of the output is waited for after the command ended: a child of its own may hold it open. */
const drainMs = 200;

/** Good when the command exits with 0. Its arguments are not told: they may carry what others should not read. */
export const prepareExec: Prepare = (given, { exec }) => {
  const { command } = given as ExecOptions;
  const what = `\`${inShort(command[0] ?? '', 80)}\``;
  return {
    what,
    unended: 'the last one still runs',
    ask: async (call) => {
      if (exec === null) return { ok: false, evidence: `${what} cannot be run: the runtime of this worker runs no commands in it` };
      const { code, output } = await exec(command, call);
      if (code === 0) return { ok: true, evidence: `${what} exited with 0` };
      const last = inShort(output.trimEnd().split('\n').at(-1) ?? '');
      const end = code === 'unknown' ? 'ended, and its exit code is not known' : `exited with ${code}`;
      return { ok: false, evidence: `${what} ${end}${last === '' ? '' : `: ${last}`}` };
    },
  };
};

/** Sees a session through to its end: nothing to read for the command, the last 4 KiB of what it prints, its exit code. */
export async function answerOf(session: ExecSession, call: Call, clock: CoreClock): Promise<ExecAnswer> {
  const tail = new OutputTail(tailBytes);
  session.stdin.close().catch(() => {});
  const readers = [session.stdout, session.stderr].map((stream) => stream.getReader());
  const leave = (): void => {
    for (const reader of readers) reader.cancel().catch(() => {});
  };
  call.signal.addEventListener('abort', leave, { once: true });
  if (call.signal.aborted) leave();
  const drained = Promise.all(readers.map((reader) => drain(reader, tail)));
  try {
    // Waited for although the signal has fired: as long as the command runs, this call is not over.
    const code = await session.exit;
    await new Promise<void>((resolve) => {
      const cancel = clock.after(drainMs, resolve);
      void drained.then(() => {
        cancel();
        resolve();
      });
    });
    return { code, output: tail.text() };
  } finally {
    call.signal.removeEventListener('abort', leave);
    leave();
  }
}

/** Never rejects: output that breaks off is output that ended. */
async function drain(reader: ReadableStreamDefaultReader<Uint8Array>, tail: OutputTail): Promise<void> {
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) tail.push(part.value);
  } catch {}
}
