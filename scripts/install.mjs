// Brings node_modules up to the lockfile, once per lockfile, compiles the holder, and finds the checkout's own Node. Plain Node 20.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildHolder } from './build-holder.mjs';

export const root = fileURLToPath(new URL('..', import.meta.url));
const bin = join(root, 'node_modules', '.bin');

/** Whatever the checkout needs before it is built or tested. Ends this process when that fails. */
export function install() {
  installPackages();
  buildHolder();
}

/** When the lockfile differs from the one installed last; a failure ends this process with npm's exit code. */
function installPackages() {
  const stamp = join(root, 'node_modules', '.ostler-installed');
  const lock = createHash('sha256');
  const digest = lock.update(readFileSync(join(root, 'package-lock.json'))).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return;
  process.stderr.write('Installing dependencies (npm install) …\n');
  const npm = spawnSync('npm', ['install', '--no-save', '--loglevel=error'], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (npm.status !== 0) {
    const why = npm.error ? `npm could not be run: ${npm.error.message}` : `npm install ended with ${npm.status ?? npm.signal}`;
    process.stderr.write(`Dependencies are not installed: ${why}. Is the npm registry reachable from here? Mend that and run this again.\n`);
    process.exit(npm.status || 1);
  }
  writeFileSync(stamp, digest);
}

/** The environment in which `node` is the checkout's own, and nothing is reported to anybody. */
export function checkoutEnv() {
  return { ...process.env, PATH: `${bin}:${process.env.PATH ?? ''}`, TURBO_TELEMETRY_DISABLED: '1', TURBO_NO_UPDATE_NOTIFIER: '1', DO_NOT_TRACK: '1' };
}

/** Builds the packages that a filter of turbo names, and what they need; silent when all is built. Ends this process when it fails. */
export function build(filter) {
  const args = ['run', 'build', `--filter=${filter}`, '--concurrency=2', '--output-logs=errors-only', '--log-order=grouped'];
  const turbo = spawnSync(join(bin, 'turbo'), args, { cwd: root, env: checkoutEnv(), encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (turbo.status === 0) return;
  process.stderr.write(`${turbo.stdout ?? ''}${turbo.stderr ?? ''}\nThe build failed: ${turbo.error?.message ?? 'see above'}.\n`);
  process.exit(turbo.status || 1);
}
