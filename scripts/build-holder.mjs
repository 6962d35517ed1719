// Compiles the holder of native workers for this machine, when its sources are newer than what was built. Plain Node 20.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const sourceFolders = ['holder', 'launcher'].map((name) => fileURLToPath(new URL(`../packages/process/${name}`, import.meta.url)));
const target = fileURLToPath(new URL('../packages/process/build/ostler-holder', import.meta.url));

/** What every compiler of it is told. A newer one may warn of more, so a warning ends the build only where the project's own checks run. */
export const flags = ['-std=gnu17', '-D_GNU_SOURCE', '-O2', '-Wall', '-Wextra', ...(process.env.CI ? ['-Werror'] : [])];

const files = () =>
  sourceFolders.flatMap((folder) =>
    readdirSync(folder, { encoding: 'utf8' })
      .sort()
      .map((name) => join(folder, name)),
  );

export const headers = () => files().filter((path) => path.endsWith('.h'));

export const sources = () => files().filter((path) => path.endsWith('.c'));

/** The C compiler and its own arguments: `$CC` as make(1) takes it, or `cc`. `null` = there is none. @returns {string[] | null} */
export function compiler() {
  const words = (process.env.CC || 'cc').split(/\s+/).filter(Boolean);
  return spawnSync(words[0], [...words.slice(1), '--version'], { stdio: 'ignore' }).status === 0 ? words : null;
}

/** Runs a compiler; the file appears whole or not at all. Returns what it said, `null` = it went well. @returns {string | null} */
export function compile([command, ...own], args, file) {
  // Under its own name, since the signature of a Mach-O file bears it and the same sources are to give the same file.
  const folder = `${file}.${process.pid}`;
  const fresh = join(folder, basename(file));
  mkdirSync(folder, { recursive: true });
  const run = spawnSync(command, [...own, ...args, '-o', fresh], { encoding: 'utf8' });
  if (run.status === 0) renameSync(fresh, file);
  rmSync(folder, { recursive: true, force: true });
  if (run.status === 0) return null;
  return `${run.stdout ?? ''}${run.stderr ?? ''}${run.error?.message ?? ''}` || `${command} ended with ${run.status ?? run.signal}`;
}

const changedAt = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

function isFresh() {
  const built = changedAt(target);
  const from = [fileURLToPath(import.meta.url), ...sourceFolders, ...files()];
  return built > 0 && from.every((path) => changedAt(path) <= built);
}

/** Silent when nothing is to be done. Ends this process when there is a compiler and it refuses the sources. */
export function buildHolder() {
  if (process.platform === 'win32' || isFresh()) return;
  const cc = compiler();
  if (cc === null) {
    process.stderr.write('There is no C compiler (cc, or $CC): the holder is not built, and native workers are held by the slower holder.sh.\n');
    return;
  }
  const args = [...flags, ...sources(), '-s'];
  // Without a libc to load, a holder is smaller and lives through the host's upgrades. Not every host has the files to link it so.
  const isDone = process.platform !== 'darwin' && compile(cc, [...args, '-static'], target) === null;
  const trouble = isDone ? null : compile(cc, args, target);
  if (trouble === null) return;
  process.stderr.write(`${trouble}\nThe holder could not be compiled by ${cc.join(' ')}: see above. OSTLER_HOLDER=sh does without it.\n`);
  process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) buildHolder();
