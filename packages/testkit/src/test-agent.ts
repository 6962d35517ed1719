import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { waitFor, within } from './wait-for.ts';

export interface TestAgentGiven {
  /** Text of a YAML host file, or its data. */
  readonly hostFile: string | object;
  /** More files beside it: path relative to its folder → text. */
  readonly files?: Readonly<Record<string, string>>;
  /** A folder of an earlier agent, to come back to; otherwise a new one, which stop() removes. */
  readonly dataDir?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Runs as this user (uid, gid): for root only. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** argv that stands before `serve`; the installed package `ostler` if not given. */
  readonly command?: readonly string[];
  /** For the socket to answer. */
  readonly deadlineMs?: number;
}

export interface TestAgentResponse {
  readonly status: number;
  /** Parsed if it is JSON, otherwise text. */
  readonly body: unknown;
}

/** A real agent in a process of its own. */
export interface TestAgent {
  readonly pid: number;
  readonly folder: string;
  readonly dataDir: string;
  readonly socket: string;
  /** What it printed so far, both streams. */
  output(): string;
  /** SIGKILL; its workers live on. */
  kill9(): Promise<void>;
  /** A new process on the same folders, after kill9() or a stop of the old one; resolves when it answers. */
  restart(): Promise<void>;
  /** SIGTERM, then SIGKILL after 20 s. Removes its folder; a dataDir that was given stays. Workers that are to outlive it do. */
  stop(): Promise<void>;
  request(method: string, path: string, body?: unknown): Promise<TestAgentResponse>;
  /** Body of `GET /v1/ps`. */
  ps(): Promise<unknown>;
}

export async function startTestAgent(given: TestAgentGiven): Promise<TestAgent> {
  const folder = await mkdtemp(join(tmpdir(), 'ostler-agent-'));
  const config = join(folder, 'ostler.yaml');
  const dataDir = given.dataDir ?? join(folder, 'data');
  // a unix socket's path holds 107 bytes (unix(7)): it lies at the top of the folder
  const socket = join(folder, 'agent.sock');
  await writeFile(config, typeof given.hostFile === 'string' ? given.hostFile : JSON.stringify(given.hostFile, null, 2));
  for (const [name, text] of Object.entries(given.files ?? {})) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  if (given.user !== undefined) await ownedBy(folder, given.user);
  const [binary = process.execPath, ...prefix] = given.command ?? installedCommand();
  const argv = [...prefix, 'serve', '--config', config, '--data-dir', dataDir, '--socket', socket];

  let child: ChildProcess;
  let printed = '';
  const boot = async (): Promise<void> => {
    printed = '';
    child = spawn(binary, argv, { cwd: folder, env: { ...process.env, ...given.env }, stdio: ['ignore', 'pipe', 'pipe'], ...given.user });
    child.once('error', (error) => {
      printed += error.message;
    });
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => (printed += text));
    const answered = waitFor('the agent answers GET /v1/ps', () => (hasEnded(child) ? true : askPs()), given.deadlineMs ?? 30_000);
    await answered.catch((error: unknown) => endWith(child, `${String(error)}; it printed:\n${printed}`));
    if (hasEnded(child)) throw new Error(`the agent ended with ${child.signalCode ?? String(child.exitCode)}; it printed:\n${printed}`);
  };
  const request: TestAgent['request'] = (method, path, body) => overSocket(socket, method, path, body);
  const askPs = async (): Promise<boolean> => (await request('GET', '/v1/ps')).status === 200;
  await boot();

  return {
    get pid() {
      return child.pid ?? -1;
    },
    folder,
    dataDir,
    socket,
    output: () => printed,
    request,
    kill9: () => endChild(child, 'SIGKILL'),
    restart: async () => {
      if (!hasEnded(child)) throw new Error('the agent still runs: end it by kill9() first');
      await boot();
    },
    stop: async () => {
      await endChild(child, 'SIGTERM');
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    },
    ps: async () => {
      const { status, body } = await request('GET', '/v1/ps');
      if (status !== 200) throw new Error(`GET /v1/ps answered ${String(status)}: ${JSON.stringify(body)}`);
      return body;
    },
  };
}

/** Of the package `ostler`: its built command, or its source where this package runs from source itself. */
function installedCommand(): readonly string[] {
  const root = dirname(fileURLToPath(import.meta.resolve('ostler/package.json')));
  const source = join(root, 'src', 'main.ts');
  const isFromSource = import.meta.url.endsWith('.ts') && existsSync(source);
  return isFromSource ? [process.execPath, '--conditions=@ostler/source', source] : [process.execPath, join(root, 'bin', 'ostler.js')];
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null || child.pid === undefined;

async function endChild(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (hasEnded(child)) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await within('the agent ends', 20_000, ended).catch(async () => {
    child.kill('SIGKILL');
    await ended;
  });
}

async function endWith(child: ChildProcess, why: string): Promise<never> {
  await endChild(child, 'SIGKILL');
  throw new Error(why);
}

async function ownedBy(folder: string, user: { readonly uid: number; readonly gid: number }): Promise<void> {
  await chown(folder, user.uid, user.gid);
  for (const path of await readdir(folder, { recursive: true })) await chown(join(folder, path), user.uid, user.gid);
}

function overSocket(socketPath: string, method: string, path: string, body: unknown): Promise<TestAgentResponse> {
  return new Promise((resolve, reject) => {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const headers = payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) };
    const request = httpRequest({ socketPath, method, path, headers, timeout: 30_000 }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => void chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        const isJson = response.headers['content-type']?.startsWith('application/json') === true;
        resolve({ status: response.statusCode ?? 0, body: isJson ? (JSON.parse(text) as unknown) : text });
      });
    });
    request.once('timeout', () => request.destroy(new Error(`${method} ${path}: no answer in 30 s`)));
    request.once('error', reject);
    request.end(payload);
  });
}
