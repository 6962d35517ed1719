import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { basename } from 'node:path';
import { environment } from './launch.ts';

/** A program of floors/ that works beside a supervisor, in a process of its own. It ends with its input, so also with the bench. */
export interface Floor {
  /** The next line that it prints. Rejects when it has ended without one. */
  line(): Promise<string>;
  /** Closes its input; resolves when it has ended, by force after 5 s. */
  end(): Promise<void>;
}

const endMs = 5000;

export function startFloor(command: string, ...args: readonly string[]): Floor {
  const child: ChildProcess = spawn(command, args, { env: environment(), stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  ended.catch(() => {});
  let text = '';
  let wake = (): void => {};
  child.stdout?.setEncoding('utf8').on('data', (more: string) => {
    text += more;
    wake();
  });
  child.stdin?.on('error', () => {});
  let isOver = false;
  child.once('close', () => {
    isOver = true;
    wake();
  });
  const closeInput = (): void => void child.stdin?.end();
  return {
    async line() {
      for (let at = text.indexOf('\n'); at < 0; at = text.indexOf('\n')) {
        if (isOver)
          throw new Error(
            `${[command, ...args.slice(0, 1)].map((word) => basename(word)).join(' ')} ended with ${child.signalCode ?? child.exitCode} and said nothing`,
          );
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const at = text.indexOf('\n');
      const line = text.slice(0, at);
      text = text.slice(at + 1);
      return line;
    },
    async end() {
      closeInput();
      const late = setTimeout(() => child.kill('SIGKILL'), endMs);
      await ended.catch(() => {});
      clearTimeout(late);
    },
  };
}
