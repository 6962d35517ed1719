import { connect, workerPath } from '../client/client.ts';
import { say, sayJson } from '../print.ts';
import { socketOf } from '../socket.ts';
import type { CommonOptions } from '../verb.ts';

export async function run(options: CommonOptions, [worker]: string[]): Promise<number> {
  const client = connect(socketOf(options));
  const path = workerPath(worker!, 'why');
  if (options.json) sayJson(await client.request('GET', path));
  else say((await client.text(path)).trimEnd());
  return 0;
}
