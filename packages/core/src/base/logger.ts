import type { Logger } from '@ostler/sdk';
import { pino, destination as toDestination } from 'pino';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LoggerOptions {
  readonly level?: LogLevel | undefined;
  /** Path of a file that is appended to (0600); default: stderr. */
  readonly file?: string | undefined;
}

/** Fields that carry secrets by their name are never written, whoever logs them. */
const secretFields = ['secrets', 'secret', 'password', 'passphrase', 'token', 'authorization', 'apiKey', 'privateKey'];

export interface AgentLogger extends Logger {
  /** Each line carries `fields` too: `{ plugin: 'ostler-plugin-x' }`, `{ worker: 'web' }`. */
  child(fields: Readonly<Record<string, string>>): AgentLogger;
  /** Ends buffered writing; nothing is lost before it, for each line is written at once. */
  close(): void;
}

/** JSON lines by pino, written synchronously: the last line before a crash is the one that matters. */
export function createLogger(options: LoggerOptions = {}): AgentLogger {
  const destination = toDestination(options.file === undefined ? { dest: 2, sync: true } : { dest: options.file, sync: true, append: true, mode: 0o600 });
  const root = pino(
    {
      level: options.level ?? 'info',
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secretFields.flatMap((field) => [field, `*.${field}`]), censor: '[redacted]' },
    },
    destination,
  );
  const close = (): void => {
    if (options.file !== undefined) destination.end();
  };
  return wrap(root, close);
}

function wrap(log: pino.Logger, close: () => void): AgentLogger {
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => log.info(fields, message),
    warn: (fields, message) => log.warn(fields, message),
    error: (fields, message) => log.error(fields, message),
    child: (fields) => wrap(log.child(fields), close),
    close,
  };
}
