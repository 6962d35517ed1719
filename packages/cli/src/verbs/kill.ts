import { connect, workerPath } from '../client/client.ts';
import { usage } from '../failure.ts';
import { note, sayJson } from '../print.ts';
import { signalName as nameOf, signalNumber } from '../signal.ts';
import { socketOf } from '../socket.ts';
import type { CommonOptions } from '../verb.ts';

interface KillOptions extends CommonOptions {
  readonly signal?: string | undefined;
}

export async function run(options: KillOptions, [worker]: string[]): Promise<number> {
  const signal = signalName(options.signal ?? 'SIGTERM');
  await connect(socketOf(options)).request('POST', workerPath(worker!, 'kill'), { signal });
  if (options.json) sayJson({ version: 1, worker, signal });
  else note(`${signal} sent to ${worker}`, options);
  return 0;
}

/** `9`, `KILL`, `sigkill` -> `SIGKILL`. */
function signalName(text: string): string {
  const asked = text.toUpperCase();
  const name = /^\d+$/.test(asked) ? nameOf(Number(asked)) : `SIG${asked.replace(/^SIG/, '')}`;
  if (name === null || signalNumber(name) === null) throw usage(`there is no signal ${text}`, 'expected a name such as SIGHUP or HUP, or its number');
  return name;
}
