import { connect, workerPath } from '../client/client.ts';
import { say, sayJson } from '../print.ts';
import { socketOf } from '../socket.ts';
import { paintFor } from '../table/colour.ts';
import { printable } from '../table/fit.ts';
import type { CommonOptions } from '../verb.ts';

export async function run(options: CommonOptions, [worker]: string[]): Promise<number> {
  const client = connect(socketOf(options));
  const path = workerPath(worker!, 'why');
  if (options.json) {
    sayJson(await client.request('GET', path));
    return 0;
  }
  const paint = paintFor(process.stdout);
  const [head = '', ...lines] = (await client.text(path)).trimEnd().split('\n').map(printable);
  say(paint(head, 'bold'));
  for (const line of lines) say(line);
  return 0;
}
