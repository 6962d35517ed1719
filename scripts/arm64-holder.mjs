// `npm run test:arm64`: the tests that hold workers, with the arm64 holder under qemu-user. The workers are programs of this machine.
// What follows `--` goes to vitest in place of all such tests.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { foreground } from './foreground.mjs';
import { targets } from './holder-targets.mjs';
import { checkoutEnv, root } from './install.mjs';

const { binary } = targets.find(({ name }) => name === 'linux-arm64');
const qemu = ['qemu-aarch64-static', 'qemu-aarch64'].find((command) => spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0);
if (qemu === undefined || !existsSync(binary)) {
  process.stderr.write(qemu === undefined ? 'There is no qemu-aarch64-static.\n' : 'There is no holder for arm64: `npm run cross:holder` builds it.\n');
  process.exit(1);
}

// qemu-user makes up a /proc/self/stat, and its start time is not the one that everybody else sees. By another name the file is the kernel's.
const own = Buffer.from('/proc/self/stat\0');
const place = `/tmp/o-${randomBytes(2).toString('hex')}`;
const link = `${place}/s`;
const other = Buffer.from(`${link}\0`);
const program = readFileSync(binary);
const at = program.indexOf(own);
if (at < 0 || other.length > own.length) throw new Error('the holder does not read /proc/self/stat');
other.copy(program, at);
mkdirSync(place, { mode: 0o755 });
symlinkSync('/proc/self/stat', link);

const folder = mkdtempSync(join(tmpdir(), 'ostler-arm64-'));
// Some tests are another user's.
chmodSync(folder, 0o755);
const [copy, wrapper] = [join(folder, 'ostler-holder'), join(folder, 'emulated')];
writeFileSync(copy, program, { mode: 0o755 });
writeFileSync(wrapper, `#!/bin/sh\nexec ${qemu} ${copy} "$@"\n`, { mode: 0o755 });
const { stdout } = spawnSync(wrapper, ['version'], { encoding: 'utf8' });
if (!stdout?.startsWith('ostler-holder')) throw new Error('the arm64 holder does not run here');
// What is qemu's own: its memory, its name in the list of processes, other numbers for real-time signals, and that it knows no PR_SET_CHILD_SUBREAPER.
const left = ['what a worker left running', 'what-a-worker-left-is-gone-at-its-next-start', 'a-worker-that-leaves-children-is-not-clean'];
const subreaper = ['stays below the holder', 'compiled holder.*an ordinary user ends such a tree', ...left];
const launcher = ['that was killed is followed by another', 'is known to be gone as soon as its process is', 'stays with its agent'];
const notHere = ['neither log nor holder grows over its bounds', 'a real-time signal reaches the worker too', ...launcher, ...subreaper];
const args = process.argv.length > 2 ? process.argv.slice(2) : ['packages/process', 'packages/testkit/src/conformance/native.test.ts'];
process.exitCode = await foreground('vitest', ['run', '-t', `^(?!.*(${notHere.join('|')}))`, ...args], {
  cwd: root,
  env: { ...checkoutEnv(), OSTLER_HOLDER: wrapper },
});
for (const path of [place, folder]) rmSync(path, { recursive: true });
