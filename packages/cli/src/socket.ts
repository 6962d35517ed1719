import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

export interface SocketInput {
  /** `--data-dir`. */
  readonly dataDir?: string | undefined;
  /** `--socket`. */
  readonly socket?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** 0 = root. */
  readonly uid: number;
  readonly platform: 'linux' | 'darwin';
  readonly home: string;
}

/** The socket of this call's agent. */
export const socketOf = (options: { readonly dataDir?: string | undefined; readonly socket?: string | undefined }): string =>
  socketPath({
    dataDir: options.dataDir,
    socket: options.socket,
    env: process.env,
    uid: process.getuid?.() ?? -1,
    platform: process.platform === 'darwin' ? 'darwin' : 'linux',
    home: homedir(),
  });

/** Where the agent's socket lies: the answer of core's `findPaths`, which a client does not load. A test holds the two equal. */
export function socketPath(input: SocketInput): string {
  const { env, uid, platform, home } = input;
  const asked = input.socket ?? nonEmpty(env['OSTLER_SOCKET']);
  if (asked !== undefined) return resolve(asked);
  const isMac = platform === 'darwin';
  const runtimeDir = absolute(env['XDG_RUNTIME_DIR']);
  const ownState = join(absolute(env['XDG_STATE_HOME']) ?? join(home, '.local', 'state'), 'ostler');
  const usualData = uid !== 0 ? ownState : isMac ? '/usr/local/var/ostler' : '/var/lib/ostler';
  const usualRun = uid === 0 ? (isMac ? '/var/run/ostler' : '/run/ostler') : runtimeDir !== undefined ? join(runtimeDir, 'ostler') : join(ownState, 'run');
  const dataDir = resolve(input.dataDir ?? nonEmpty(env['OSTLER_DATA_DIR']) ?? usualData);
  const path = join(dataDir === usualData ? usualRun : dataDir, 'agent.sock');
  if (Buffer.byteLength(path) <= (isMac ? 103 : 107)) return path;
  // Rarely needed, and long to load.
  const { createHash } = process.getBuiltinModule('node:crypto');
  const mark = createHash('sha256').update(dirname(path)).digest('hex').slice(0, 12);
  return join('/tmp', `ostler-${uid}-${mark}`, 'agent.sock');
}

const nonEmpty = (value: string | undefined): string | undefined => (value === '' ? undefined : value);
const absolute = (value: string | undefined): string | undefined => (value?.startsWith('/') ? value : undefined);
