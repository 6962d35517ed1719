import { execa } from 'execa';
import { OutputTail } from './output-tail.ts';

export interface CommandLimits {
  /** Killed when it takes longer: SIGTERM, SIGKILL 1 s later. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly cwd?: string | undefined;
  /** The whole environment; default: the agent's. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly input?: string | undefined;
  /** Bytes of each stream that are kept, from its end. */
  readonly maxBytes?: number | undefined;
}

export interface CommandResult {
  /** `null` when it did not end by itself or could not be started. */
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Why it is no answer: it was not found, took too long, was given up. `null` = it ran and ended. */
  readonly failure: string | null;
}

/** Runs one of the agent's own short commands, without a shell. Never rejects: whatever happens is in the result. */
export async function runCommand(argv: readonly [string, ...string[]], limits: CommandLimits): Promise<CommandResult> {
  const [file, ...args] = argv;
  const stdout = new OutputTail(limits.maxBytes ?? 1024 * 1024);
  const stderr = new OutputTail(limits.maxBytes ?? 64 * 1024);
  const child = execa(file, args, {
    reject: false,
    buffer: false,
    encoding: 'buffer',
    timeout: limits.timeoutMs,
    forceKillAfterDelay: 1000,
    stripFinalNewline: false,
    ...(limits.signal ? { cancelSignal: limits.signal } : {}),
    ...(limits.cwd === undefined ? {} : { cwd: limits.cwd }),
    ...(limits.env ? { env: limits.env, extendEnv: false } : {}),
    ...(limits.input === undefined ? { stdin: 'ignore' as const } : { input: limits.input }),
  });
  child.stdout?.on('data', (bytes: Uint8Array) => stdout.push(bytes));
  child.stderr?.on('data', (bytes: Uint8Array) => stderr.push(bytes));
  const result = await child;
  const failure = result.timedOut
    ? `${file} was not done within ${limits.timeoutMs} ms`
    : result.isCanceled
      ? `${file} was given up`
      : result.exitCode === undefined && result.signal === undefined
        ? `${file} could not be started: ${result.code === 'ENOENT' ? 'no such command' : (result.originalMessage ?? result.code ?? 'unknown error')}`
        : null;
  return { code: result.exitCode ?? null, signal: result.signal ?? null, stdout: stdout.text(), stderr: stderr.text(), failure };
}
