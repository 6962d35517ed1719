// What this machine can do that some tests need: an account, a tool, a kernel feature. Plain Node 20. Alone it prints them as JSON.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compiler } from './build-holder.mjs';

/** @typedef {Readonly<Record<string, string | null>>} Abilities name -> `null` when it is there, else why not */

const ok = (command, args, options = {}) => spawnSync(command, args, { stdio: 'ignore', timeout: 5000, ...options }).status === 0;
const onPath = (command, ...args) => (ok(command, args) ? null : `${command} is not on PATH`);
const asRoot = (check) => () => (process.getuid?.() === 0 ? check() : 'not running as root');

const trialCgroup = `for p in /sys/fs/cgroup /sys/fs/cgroup/unified; do
  [ -f "$p/cgroup.procs" ] && mkdir "$p/ostler-trial-$$" 2>/dev/null || continue
  sh -c 'echo $$ >"$0/cgroup.procs"' "$p/ostler-trial-$$" 2>/dev/null; s=$?
  for i in 1 2 3 4 5 6 7 8 9; do rmdir "$p/ostler-trial-$$" 2>/dev/null && break; sleep 0.02; done
  [ $s = 0 ] && exit 0
done
exit 1`;

function tmpfsMount() {
  const dir = mkdtempSync(join(tmpdir(), 'ostler-tmpfs-'));
  try {
    return ok('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', dir]) ? null : 'mounting a tmpfs in a mount namespace of its own is refused';
  } finally {
    rmdirSync(dir);
  }
}

/** Packages for the images of Python workers, fetched before: tests fetch nothing. */
function wheels() {
  try {
    return readdirSync(process.env.OSTLER_WHEELS ?? '').some((name) => name.endsWith('.whl'))
      ? onPath('python3', '-m', 'pip', '--version')
      : 'no wheels in OSTLER_WHEELS';
  } catch {
    return 'OSTLER_WHEELS names no folder of wheels (`pip download -d FOLDER -r images/worker-base/requirements.txt`)';
  }
}

/** @type {Readonly<Record<string, () => string | null>>} */
const checks = {
  root: asRoot(() => null),
  cgroup: () => (ok('sh', ['-c', trialCgroup]) ? null : 'no cgroup can be made and entered'),
  'ordinary-user': asRoot(() => (ok('true', [], { uid: 65_534, gid: 65_534 }) ? null : 'uid 65534 cannot be used')),
  setpriv: () => onPath('setpriv', '--version'),
  busybox: () => onPath('busybox', 'true'),
  'tmpfs-mount': asRoot(tmpfsMount),
  tmux: () => onPath('tmux', '-V'),
  docker: asRoot(() => onPath('dockerd', '--version') ?? (ok('unshare', ['--net', 'true']) ? null : 'a network namespace of its own is refused')),
  podman: asRoot(() => onPath('podman', '--version') ?? onPath('runc', '--version') ?? onPath('catatonit', '--version')),
  registry: () => onPath('docker-registry', '--version'),
  'python-wheels': wheels,
  cc: () => (compiler() === null ? 'no C compiler (cc, or $CC)' : null),
};

/** Tries each on this machine; leaves nothing behind. @returns {Abilities} */
export function abilities() {
  return Object.fromEntries(Object.entries(checks).map(([name, check]) => [name, check()]));
}

/** A line for each that is missing: why what needs it was skipped. @param {Abilities} found */
export function missingLines(found) {
  return Object.entries(found).flatMap(([name, why]) => (why === null ? [] : [`skipped: ${name}: ${why}`]));
}

/** What is missing of that which must be there. @param {Abilities} found @param {string} required names, separated by commas */
export function unmet(found, required) {
  const names = required.split(',').filter(Boolean);
  return names.flatMap((name) => {
    if (!(name in found)) return [`${name}: nothing of that name is known; known are ${Object.keys(found).join(', ')}`];
    return found[name] === null ? [] : [`${name}: ${found[name]}`];
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(`${JSON.stringify(abilities(), null, 2)}\n`);
