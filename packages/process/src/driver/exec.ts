import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Call, type ExecSession, runtimeFailure } from '@ostler/sdk';
import { lifeOf } from '../identity/identity.ts';
import { commandLine, readEnvironment, readProcessTable } from '../identity/process-table.ts';
import { type InstanceDirectory, readIdentity } from '../instance/directory.ts';
import { takeNote } from '../instance/note.ts';
import { checkCommand } from '../launch/command-path.ts';
import { limitMark } from '../launch/limit-mark.ts';
import { argvWith, type Tools } from '../launch/wrapper.ts';
import { accountOf } from './start.ts';

/** Runs a command beside the worker: its user, working directory and environment (with its mark, so that `stop` ends it too). */
export async function execInside(
  instance: InstanceDirectory,
  tools: Tools,
  argv: readonly string[],
  io: { readonly tty: boolean; readonly user?: string | undefined },
  call: Call,
): Promise<ExecSession> {
  const { path, spec } = instance;
  const worker = readIdentity(path, 'worker');
  if (worker === null || lifeOf(worker) !== 'alive')
    throw runtimeFailure({
      code: 'not-running',
      outcome: 'no',
      retryable: false,
      message: `${spec.ref.worker} is not running, so nothing can be run beside it`,
    });
  if (io.tty)
    throw runtimeFailure({
      code: 'unsupported',
      outcome: 'no',
      retryable: false,
      message: 'a terminal for exec is not offered by a process runtime; run it without one',
    });
  await becomeWorker(worker.pid, path, call);
  const account = await accountOf(io.user ?? spec.user, []);
  const environment = environmentOf(readEnvironment(worker.pid) ?? [], spec.ref.instance);
  checkCommand(argv[0], spec.cwd, environment['PATH'] ?? '');
  const [command = '', ...rest] = argvWith(tools, argv, {
    account,
    noNewPrivileges: false,
    ulimits: {},
    mark: spec.cgroups.own === null ? limitMark(spec.ref) : null,
  });
  if (call.signal.aborted) throw runtimeFailure({ code: 'aborted', outcome: 'no', retryable: true, message: 'exec was called off before it ran' });
  takeNote(path, 'execs');
  // Loaded when it is first needed: an agent that starts workers need not wait for it.
  const { execa } = await import('execa');
  const child = execa(command, rest, {
    ...{ cwd: spec.cwd, env: environment, extendEnv: false, stdin: 'pipe', stdout: 'pipe', stderr: 'pipe', buffer: false, reject: false, cleanup: false },
    // A group of its own: what the command begins ends with it.
    detached: true,
  });
  const own = child.nodeChildProcess;
  endWithCall(own, call);
  return {
    stdin: Writable.toWeb(child.stdin) as WritableStream<Uint8Array>,
    stdout: Readable.toWeb(child.stdout) as unknown as ReadableStream<Uint8Array>,
    stderr: Readable.toWeb(child.stderr) as unknown as ReadableStream<Uint8Array>,
    resize: async () => {},
    // Of the command itself: a child of it may hold the output open for ever.
    exit: new Promise((resolve) => {
      own.once('exit', (code, signal) => resolve(code ?? (signal === null ? 'unknown' : 128 + (constants.signals[signal] ?? 0))));
      // Or it could not be run at all.
      void child.then(({ exitCode }) => resolve(exitCode ?? 'unknown'));
    }),
  };
}

/** How long after the signal what has not ended is killed. */
const graceMs = 5000;

/** Whoever asked has gone, or its time is over: so is the command, with what it has begun, first gently. */
function endWithCall(child: ChildProcess, { signal }: Call): void {
  const { pid } = child;
  if (pid === undefined) return;
  const end = (how: NodeJS.Signals): void => {
    try {
      process.kill(-pid, how);
    } catch {
      // Nothing of it is left.
    }
  };
  let killing: NodeJS.Timeout | undefined;
  const leave = (): void => {
    end('SIGTERM');
    killing = setTimeout(end, graceMs, 'SIGKILL');
  };
  signal.addEventListener('abort', leave, { once: true });
  if (signal.aborted) leave();
  child.once('exit', () => {
    signal.removeEventListener('abort', leave);
    if (killing === undefined) return;
    // Its number is somebody else's once the last of its group has gone.
    clearTimeout(killing);
    end('SIGKILL');
  });
}

/** The holder's shell has the worker's pid before it becomes the worker: its environment, until then, is not the worker's. */
const becomeMs = 5000;

async function becomeWorker(pid: number, path: string, call: Call): Promise<void> {
  let looks = 0;
  const isWorker = (): boolean => {
    const entry = readProcessTable().get(pid);
    if (entry === undefined) return true;
    const line = commandLine(entry);
    if (line.includes(` ${path} --worker `) || line.startsWith('[')) return false;
    // In the middle of execve(2) it has no environment; one that stays without has dropped it.
    looks++;
    return looks > 20 || readEnvironment(pid)?.length !== 0;
  };
  for (const until = Date.now() + becomeMs; !call.signal.aborted && Date.now() < until && !isWorker(); ) await sleep(2);
}

/** Where the worker's environment may not be read (macOS, another user) the agent's own PATH and HOME must do. */
function environmentOf(entries: readonly string[], instance: string): Record<string, string> {
  const own = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: process.env['HOME'] ?? '/', OSTLER_INSTANCE: instance };
  if (process.platform !== 'linux' || entries.length === 0) return own;
  const worker = Object.fromEntries(entries.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]));
  // It may have dropped its mark.
  return { ...worker, OSTLER_INSTANCE: instance };
}
