// Builds the holder of each platform with Zig, into its npm package. `--check [PLATFORM]`: builds nothing, says whether what is there may be packed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile, flags, headers, sources } from './build-holder.mjs';
import { fileTrouble, targets } from './holder-targets.mjs';

/** Goes with @ostler/process, which runs a packaged holder only if it is this very one. */
const checksums = fileURLToPath(new URL('../packages/process/holder-checksums.json', import.meta.url));
/** The smallest that is still guarded: it is mapped once for each worker, and runs seldom. */
const lean = ['-Os', '-s', '-ffunction-sections', '-fdata-sections', '-fno-unwind-tables', '-fno-asynchronous-unwind-tables', '-fstack-protector-strong'];

const digest = (...files) => files.reduce((hash, file) => hash.update(readFileSync(file)), createHash('sha256')).digest('hex');

function fail(text) {
  process.stderr.write(`${text}\n`);
  process.exit(1);
}

/** `$ZIG`, the `zig` on PATH, or the one that pip installs as a module of Python. */
function findZig() {
  const ways = process.env.ZIG ? [process.env.ZIG.split(/\s+/)] : [['zig'], ['python3', '-m', 'ziglang']];
  const found = ways.find(([command, ...args]) => spawnSync(command, [...args, 'version'], { stdio: 'ignore' }).status === 0);
  return found ?? fail('There is no Zig: `pip install ziglang`, put zig on PATH, or name it in ZIG.');
}

function buildAll() {
  const zig = findZig();
  const sums = { sources: digest(...headers(), ...sources()) };
  for (const target of targets) {
    const args = [...flags, ...lean, '-Werror', ...(target.os === 'linux' ? ['-static', '-Wl,--gc-sections'] : []), ...sources()];
    const trouble = compile([...zig, 'cc', '-target', target.zig], args, target.binary) ?? fileTrouble(target, target.binary);
    if (trouble !== null) fail(`${target.name}: ${trouble}`);
    sums[target.name] = digest(target.binary);
    writeFileSync(join(target.folder, 'checksums'), `${sums[target.name]}  bin/ostler-holder\n`);
    process.stdout.write(`${target.name}: ${readFileSync(target.binary).length} bytes\n`);
  }
  writeFileSync(checksums, `${JSON.stringify(sums, null, 2)}\n`);
}

function check(chosen) {
  const sums = existsSync(checksums) ? JSON.parse(readFileSync(checksums, 'utf8')) : {};
  const isOfNow = sums.sources === digest(...headers(), ...sources());
  for (const target of chosen) {
    const trouble = existsSync(target.binary) ? fileTrouble(target, target.binary) : 'it is not built';
    if (trouble !== null) fail(`The holder for ${target.name} may not be packed: ${trouble}. \`npm run cross:holder\` builds it.`);
    if (!isOfNow) fail(`The holder for ${target.name} may not be packed: its sources have changed. \`npm run cross:holder\` builds it anew.`);
    if (sums[target.name] !== digest(target.binary)) fail(`The holder for ${target.name} may not be packed: it is not the one in holder-checksums.json.`);
  }
}

const [mode, name] = process.argv.slice(2);
if (mode === '--check') check(name ? targets.filter((target) => target.name === name) : targets);
else buildAll();
