import { connect } from '../client/client.ts';
import { say } from '../print.ts';
import { socketOf } from '../socket.ts';
import type { CommonOptions } from '../verb.ts';

/** `__complete workers`: a name a line. Silent when there is no agent: somebody is in the middle of typing. */
export async function run(options: CommonOptions, [what]: string[]): Promise<number> {
  if (what !== 'workers') return 0;
  try {
    for (const { name } of (await connect(socketOf(options)).ps({ deadlineMs: 1000 })).workers) say(name);
  } catch {
    return 0;
  }
  return 0;
}
