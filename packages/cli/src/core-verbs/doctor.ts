import { access, constants, lstat, statfs } from 'node:fs/promises';
import type { DoctorDocument, DoctorFinding } from '@ostler/core';
import { type AgentVerbOptions, agentOptions, loadCore, pathsOf } from '../agent/options.ts';
import { connect } from '../client/client.ts';
import { Failure } from '../failure.ts';
import { say, sayJson } from '../print.ts';
import { run as runtimes } from './runtimes.ts';

const littleBytes = 256 * 1024 * 1024;
const marks: Readonly<Record<DoctorFinding['level'], string>> = { ok: 'ok     ', note: 'note   ', warning: 'WARNING', error: 'ERROR  ' };

/** The host as ostler needs it, each finding with what to do. 1 = something is wrong. */
export async function run(options: AgentVerbOptions): Promise<number> {
  const loaded = await loadCore();
  const paths = pathsOf(loaded.core, options);
  const agent = await askAgent(paths.socket);
  const findings: DoctorFinding[] = [
    found('ok', 'node', `Node ${process.versions.node} on ${process.platform} ${process.arch}`),
    clock(),
    ...(await dataDir(paths.dataDir)),
    paths.secretsDir === null
      ? found('warning', 'secrets', loaded.core.noMemoryFolder().message, loaded.core.noMemoryFolder().hint ?? null)
      : found('ok', 'secrets', `secrets in use lie in memory: ${paths.secretsDir}`),
    ...(agent instanceof Failure ? [silent(agent, paths.socket)] : [found('ok', 'agent', `an agent answers on ${paths.socket}`), ...agent.findings]),
    await hostFile(loaded, options),
  ];
  if (options.json) sayJson({ version: 1, findings });
  else
    for (const { level, area, text, fix } of findings) {
      say(`${marks[level]}  ${area}: ${text}`);
      if (fix !== null) say(`         ${fix}`);
    }
  if (!options.json && agent instanceof Failure) await runtimes({ ...options, quiet: true }).catch(() => {});
  return findings.some(({ level }) => level === 'error') ? 1 : 0;
}

const found = (level: DoctorFinding['level'], area: string, text: string, fix: string | null = null): DoctorFinding => ({ level, area, text, fix });

async function askAgent(socket: string): Promise<DoctorDocument | Failure> {
  try {
    return await connect(socket).request<DoctorDocument>('GET', '/v1/doctor', undefined, { deadlineMs: 10_000 });
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}

/** That there is no agent is no fault; one that hangs, or that this user may not talk to, is. */
function silent({ message, problem }: Failure, socket: string): DoctorFinding {
  const isAbsent = message === `no agent answers on ${socket}`;
  return isAbsent
    ? found('note', 'agent', message, '`ostler up` starts one')
    : found('error', 'agent', message, problem.hint ?? 'look at its process and its log');
}

function clock(): DoctorFinding {
  const year = new Date().getFullYear();
  return year >= 2025 && year < 2100
    ? found('ok', 'clock', new Date().toISOString())
    : found('error', 'clock', `the clock of this host says ${new Date().toISOString()}`, 'set it: schedules and certificates depend on it');
}

async function dataDir(path: string): Promise<readonly DoctorFinding[]> {
  try {
    const folder = await lstat(path);
    const uid = process.geteuid?.() ?? folder.uid;
    if (folder.uid !== uid)
      return [
        found('error', 'data', `${path} belongs to user ${folder.uid}, this is user ${uid}`, 'run ostler as its owner, or choose another one with --data-dir'),
      ];
    await access(path, constants.W_OK);
    const { bavail, bsize } = await statfs(path);
    const freeBytes = bavail * bsize;
    const free = `${Math.floor(freeBytes / 1024 / 1024)} MiB free`;
    return [
      freeBytes < littleBytes
        ? found('warning', 'data', `${path}: only ${free}`, 'free some room: on a full disk changes wait')
        : found('ok', 'data', `${path}: ${free}`),
    ];
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [found('note', 'data', `${path} is not there yet`, 'the first agent makes it')];
    return [found('error', 'data', `${path} cannot be used: ${message}`, 'make it writable for this user, or choose another one with --data-dir')];
  }
}

async function hostFile(loaded: Awaited<ReturnType<typeof loadCore>>, options: AgentVerbOptions): Promise<DoctorFinding> {
  try {
    const { hostFile: path } = await agentOptions(loaded, options);
    return found('ok', 'host file', `${path}; \`ostler check\` checks it`);
  } catch (error) {
    return found('note', 'host file', (error as Error).message, '`ostler init` writes one');
  }
}
