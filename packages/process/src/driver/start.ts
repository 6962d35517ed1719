import { chmodSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Call, type InstanceRef, isRuntimeFailure, type Observed, type Run, runtimeFailure, type WorkerSpec } from '@ostler/sdk';
import { makeCgroups, noCgroups } from '../cgroup/cgroup.ts';
import { placeOf } from '../cgroup/place.ts';
import { checkEnvironment } from '../holder/environment.ts';
import { bootId } from '../identity/boot.ts';
import { handleTo, lifeOf } from '../identity/identity.ts';
import { directoryProtocol, type InstanceDirectory, type InstanceSpec, instancePath, makeInstance, readIdentity, readTrouble } from '../instance/directory.ts';
import { notifySocketOf } from '../instance/notify-record.ts';
import { type Account, resolveAccount } from '../launch/account.ts';
import { checkCommand, checkWorkingDir } from '../launch/command-path.ts';
import { writeSecretFiles } from '../launch/secret-files.ts';
import type { Host } from './host.ts';
import { asObserved, glance, instanceOf, observe } from './observe.ts';
import { commandSpec, type ProcessDriverOptions } from './options.ts';

const failure = (code: 'invalid' | 'aborted' | 'internal' | 'no-space', outcome: 'no' | 'unknown', message: string) =>
  runtimeFailure({ code, outcome, retryable: code !== 'invalid', message });

/** What an ordinary login would give, without the agent's own settings. */
export function basicEnvironment(account: Account | null): Record<string, string> {
  const kept = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'XDG_RUNTIME_DIR'];
  const own = Object.fromEntries(kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));
  const base = { PATH: '/usr/local/bin:/usr/bin:/bin', ...own };
  if (account === null) return base;
  const { XDG_RUNTIME_DIR: _, SHELL: __, ...rest } = base as Record<string, string>;
  return { ...rest, HOME: account.home, USER: account.name, LOGNAME: account.name };
}

/** The account to change to; `null` = the agent's own. */
export async function accountOf(user: string | null, groups: readonly string[]): Promise<Account | null> {
  if (user === null && groups.length === 0) return null;
  const account = await resolveAccount(user ?? String(process.getuid?.() ?? 0), groups);
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && account.uid === process.getuid?.() && groups.length === 0) return null;
  if (!isRoot) throw failure('invalid', 'no', `only an agent that runs as root can run a worker as the user "${user}" or with other groups`);
  return account;
}

export async function startInstance<Options>(
  options: ProcessDriverOptions<Options>,
  host: Host,
  ref: InstanceRef,
  run: Run<Options>,
  call: Call,
): Promise<Observed> {
  const path = instancePath(options.folders.state, ref);
  const engine = host.store();
  const { main, cgroups: place } = await host.holders.open();
  const before = instanceOf(path, ref);
  if (before !== null) {
    const found = await observe(before, engine, call);
    if (found.is !== 'created' && found.is !== 'gone') return found;
  }
  const { spec } = run;
  const account = await accountOf(spec.user, spec.groups);
  const command = options.command(commandSpec(spec));
  const cwd = spec.workingDir ?? spec.baseDir;
  const secretsDir = run.secrets.files.length === 0 ? null : join(options.folders.secrets(), ref.worker, ref.instance);
  // One that was made but never ran is carried on by the kind of holder that its records are of.
  const holder = before === null ? main : host.holders.of(before.spec);
  const notifySocket = spec.notify === null || holder.name === 'sh' ? null : notifySocketOf(ref);
  const environment: Record<string, string> = {
    ...basicEnvironment(account),
    ...options.env?.(commandSpec(spec)),
    ...mountVariables(spec),
    ...spec.env,
    ...run.env,
    ...run.secrets.env,
    ...notifyVariables(spec, notifySocket),
    OSTLER_AGENT: ref.agent,
    OSTLER_WORKER: ref.worker,
    OSTLER_INSTANCE: ref.instance,
    ...(secretsDir === null ? {} : { OSTLER_SECRETS: secretsDir }),
  };
  checkEnvironment(environment);
  checkWorkingDir(cwd);
  checkCommand(command[0], cwd, environment['PATH'] ?? '');
  if (call.signal.aborted) throw failure('aborted', 'no', `the start of ${ref.worker} was called off before anything was done`);

  const wants = { memory: spec.limits.memoryBytes !== null, cpu: spec.limits.cpus !== null, pids: spec.limits.pids !== null };
  const needsCgroups = wants.memory || wants.cpu || wants.pids;
  const record: InstanceSpec = before?.spec ?? {
    protocol: directoryProtocol,
    ref,
    command,
    cwd,
    user: spec.user,
    holder: holder.name,
    segments: holder.segments,
    exit: holder.exit,
    segmentBytes: Math.max(4096, spec.logs.maxSizeBytes),
    segmentFiles: Math.max(1, spec.logs.maxFiles),
    cgroups: process.platform === 'linux' ? placeOf(place, ref, wants) : noCgroups,
    stop: spec.stop,
    secretsDir,
    endpoints: spec.ports.map((port) => ({ port: port.port, address: `127.0.0.1:${port.port}` })),
  };
  try {
    // What would be left behind by an agent that dies here is found by the directory, so that has to be first.
    const isMadeFirst = before === null && (secretsDir !== null || needsCgroups);
    if (isMadeFirst) await makeInstance(path, record, async () => {});
    if (needsCgroups || holder.name === 'sh') makeCgroups(record.cgroups, spec.limits);
    if (secretsDir !== null) {
      // Another user must be able to pass through, not to look in.
      if (account !== null) chmodSync(options.folders.secrets(), 0o711);
      writeSecretFiles(secretsDir, run.secrets.files, account);
    }
    // A holder that never ran a worker left its claim. Only a dead one's is taken away: while it stands, a late holder cannot claim either.
    const claim = before === null ? null : readIdentity(path, 'holder');
    if (claim !== null && lifeOf(claim) !== 'alive') for (const name of ['trouble', 'holder']) rmSync(join(path, name), { force: true });
    if (call.signal.aborted) throw failure('aborted', 'no', `the start of ${ref.worker} was called off before it ran`);
    const { noNewPrivileges, ulimits } = spec;
    const exists = before !== null || isMadeFirst;
    const begun = await holder.start(
      { dir: path, spec: record, exists, needsCgroups, command, environment, account, noNewPrivileges, ulimits, notifySocket },
      call,
    );
    if (begun === null) return await awaitStart({ path, spec: record }, engine, call);
    const handle = handleTo({ pid: begun.pid, start: begun.startTime, boot: bootId() });
    return { ref, handle, engine, is: 'running', startedAt: startedAt(path), endpoints: record.endpoints, pid: begun.pid };
  } catch (error) {
    if (isRuntimeFailure(error)) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw failure(code === 'ENOSPC' || code === 'EDQUOT' ? 'no-space' : 'internal', 'no', `${ref.worker} was not started: ${message}`);
  }
}

/** The record's own time, which later looks at the directory tell too. */
function startedAt(path: string): string {
  return (statSync(`${path}/pid`, { throwIfNoEntry: false })?.mtime ?? new Date()).toISOString();
}

function mountVariables({ mounts }: WorkerSpec): Record<string, string> {
  return Object.fromEntries(
    mounts.flatMap((mount) => (mount.name === null ? [] : [[`OSTLER_MOUNT_${mount.name.toUpperCase()}`, 'path' in mount.from ? mount.from.path : mount.to]])),
  );
}

/** As sd_notify(3) and sd_watchdog_enabled(3) look for them. */
function notifyVariables({ notify }: WorkerSpec, socket: string | null): Record<string, string> {
  if (notify === null || socket === null) return {};
  return { NOTIFY_SOCKET: socket, ...(notify.watchdogMs === null ? {} : { WATCHDOG_USEC: String(notify.watchdogMs * 1000) }) };
}

/** From the holder's spawn until its record of the worker. */
async function awaitStart(instance: InstanceDirectory, engine: string, call: Call): Promise<Observed> {
  const { ref } = instance.spec;
  // The shell itself needs some ms before it holds the lifeline; until then the directory looks as if nobody had come.
  const silentUntil = Date.now() + 5000;
  for (let waitMs = 1; ; waitMs = Math.min(waitMs + 1, 20)) {
    const { is: seen } = glance(instance);
    if (seen === 'running' || seen === 'exited' || seen === 'ending') return asObserved(await observe(instance, engine, call), ref);
    const trouble = readTrouble(instance.path);
    if (trouble !== null) throw failure('internal', 'no', `${ref.worker} was not started: ${trouble}`);
    if (call.signal.aborted || Date.now() >= call.deadlineMs)
      throw failure('aborted', 'unknown', `the start of ${ref.worker} was not confirmed in time; its holder may still carry it out`);
    if (seen === 'created' && Date.now() > silentUntil)
      throw failure('internal', 'unknown', `the holder of ${ref.worker} ended before it ran the worker; look into ${instance.path}`);
    await sleep(waitMs);
  }
}
