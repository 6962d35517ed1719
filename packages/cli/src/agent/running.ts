import { connect } from '../client/client.ts';
import { Failure } from '../failure.ts';
import { socketOf } from '../socket.ts';
import type { CommonOptions } from '../verb.ts';

/** What the agent that runs here answers; `null` = none runs, or another host file was asked about. */
export async function answerOf<T>(options: CommonOptions, path: string): Promise<T | null> {
  if (options.config !== undefined) return null;
  try {
    return await connect(socketOf(options)).request<T>('GET', path, undefined, { deadlineMs: 10_000 });
  } catch (error) {
    if (error instanceof Failure && error.exitCode === 3) return null;
    throw error;
  }
}
