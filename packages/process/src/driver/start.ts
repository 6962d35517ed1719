import { chmodSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Call, type InstanceRef, isRuntimeFailure, type Observed, type Run, runtimeFailure } from '@ostler/sdk';
import { makeCgroups, noCgroups } from '../cgroup/cgroup.ts';
import { placeOf } from '../cgroup/place.ts';
import { checkEnvironment } from '../holder/environment.ts';
import type { Holder } from '../holder/holder.ts';
import { lifeOf } from '../identity/identity.ts';
import {
  directoryProtocol,
  type InstanceDirectory,
  type InstanceSpec,
  instancePath,
  makeInstance,
  openInstance,
  readIdentity,
  readTrouble,
} from '../instance/directory.ts';
import { type Account, resolveAccount } from '../launch/account.ts';
import { checkCommand, checkWorkingDir } from '../launch/command-path.ts';
import { limitMark } from '../launch/limit-mark.ts';
import { writeSecretFiles } from '../launch/secret-files.ts';
import { argvWith } from '../launch/wrapper.ts';
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
  holder: Holder,
  ref: InstanceRef,
  run: Run<Options>,
  call: Call,
): Promise<Observed> {
  const path = instancePath(options.folders.state, ref);
  const engine = host.store();
  const before = instanceOf(path, ref);
  if (before !== null) {
    const found = await observe(before, engine, call);
    if (found.is !== 'created' && found.is !== 'gone') return found;
  }
  const { spec } = run;
  const account = await accountOf(spec.user, spec.groups);
  const command = options.command(commandSpec(spec));
  const cwd = spec.workingDir ?? spec.baseDir;
  const mounts = spec.mounts.flatMap((mount) =>
    mount.name === null ? [] : [[`OSTLER_MOUNT_${mount.name.toUpperCase()}`, 'path' in mount.from ? mount.from.path : mount.to]],
  );
  const secretsDir = run.secrets.files.length === 0 ? null : join(options.folders.secrets(), ref.worker, ref.instance);
  const environment: Record<string, string> = {
    ...basicEnvironment(account),
    ...options.env?.(commandSpec(spec)),
    ...Object.fromEntries(mounts),
    ...spec.env,
    ...run.env,
    ...run.secrets.env,
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
  const tools = host.tools();
  const record: InstanceSpec = {
    protocol: directoryProtocol,
    ref,
    command,
    cwd,
    user: spec.user,
    segments: holder.segments,
    exit: holder.exit,
    segmentBytes: Math.max(4096, spec.logs.maxSizeBytes),
    segmentFiles: Math.max(1, spec.logs.maxFiles),
    cgroups: process.platform === 'linux' ? placeOf(host.cgroups(), ref, wants) : noCgroups,
    secretsDir,
    endpoints: spec.ports.map((port) => ({ port: port.port, address: `127.0.0.1:${port.port}` })),
  };
  // Without setpriv the holder itself changes its user, so the directory is to be that user's.
  const isHeldByAccount = account !== null && tools.setpriv === null;
  try {
    await makeInstance(path, record, (dir) => holder.fill(dir, account));
    const instance = openInstance(path) as InstanceDirectory;
    const { cgroups } = instance.spec;
    makeCgroups(cgroups, spec.limits);
    if (instance.spec.secretsDir !== null) {
      // Another user must be able to pass through, not to look in.
      if (account !== null) chmodSync(options.folders.secrets(), 0o711);
      writeSecretFiles(instance.spec.secretsDir, run.secrets.files, account);
    }
    if (isHeldByAccount) {
      for (const folder of [options.folders.state, dirname(dirname(path)), dirname(path)]) chmodSync(folder, 0o711);
      host.giveTo(path, account);
    }
    // A holder that never ran a worker left its claim. Only a dead one's is taken away: while it stands, a late holder cannot claim either.
    const claim = readIdentity(path, 'holder');
    if (before !== null && claim !== null && lifeOf(claim) !== 'alive') for (const name of ['trouble', 'holder']) rmSync(join(path, name), { force: true });
    if (call.signal.aborted) throw failure('aborted', 'no', `the start of ${ref.worker} was called off before it ran`);
    await holder.launch({
      dir: path,
      segmentBytes: instance.spec.segmentBytes,
      cwd,
      cgroups,
      needsCgroups: wants.memory || wants.cpu || wants.pids,
      argv: argvWith(tools, command, {
        account,
        noNewPrivileges: spec.noNewPrivileges,
        ulimits: spec.ulimits,
        mark: cgroups.own === null ? limitMark(ref) : null,
      }),
      environment,
      account: isHeldByAccount ? account : null,
    });
    return await awaitStart(instance, engine, call);
  } catch (error) {
    if (isRuntimeFailure(error)) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw failure(code === 'ENOSPC' || code === 'EDQUOT' ? 'no-space' : 'internal', 'no', `${ref.worker} was not started: ${message}`);
  }
}

/** From the holder's spawn until its record of the worker. */
async function awaitStart(instance: InstanceDirectory, engine: string, call: Call): Promise<Observed> {
  const { ref } = instance.spec;
  // The shell itself needs some ms before it holds the lifeline; until then the directory looks as if nobody had come.
  const silentUntil = Date.now() + 5000;
  for (let waitMs = 1; ; waitMs = Math.min(waitMs + 1, 20)) {
    const seen = glance(instance);
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
