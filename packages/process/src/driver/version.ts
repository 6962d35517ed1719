import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Call, runtimeFailure } from '@ostler/sdk';

/** The first line that `argv` prints. Throws `engine-down` if it cannot be run or fails. */
export async function versionOf(argv: readonly string[], call: Call): Promise<string> {
  const [command = '', ...rest] = argv;
  try {
    const { stdout, stderr } = await promisify(execFile)(command, rest, {
      signal: call.signal,
      timeout: Math.max(1, Math.round(call.deadlineMs - Date.now())),
      maxBuffer: 1 << 20,
    });
    return (stdout.trim() || stderr.trim()).split('\n')[0] ?? '';
  } catch (error) {
    if (call.signal.aborted) throw runtimeFailure({ code: 'aborted', outcome: 'no', retryable: true, message: `${command} did not answer in time` });
    const text =
      (error as NodeJS.ErrnoException).code === 'ENOENT'
        ? `${command} is not installed, or not in the agent's PATH`
        : `${command} failed: ${(error as Error).message.split('\n')[0]}`;
    throw runtimeFailure({ code: 'engine-down', outcome: 'no', retryable: true, message: text });
  }
}
