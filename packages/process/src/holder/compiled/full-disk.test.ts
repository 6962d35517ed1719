import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, test as anyTest, expect } from 'vitest';
import { call, driverOn, ended, logsOf, runOf, specOf, until } from '../../driver/fixtures/bench.ts';
import { findBinary } from './binary.ts';

// Left out where there is neither a C compiler nor the package with the binary.
const needsBinary = findBinary().path === null;
const test = anyTest.skipIf(needsBinary);

let disk: string | null = null;
afterEach(() => {
  if (disk === null) return;
  execFileSync('umount', ['-l', disk]);
  rmdirSync(disk);
  disk = null;
});

/** Mounts a disk of 256 KiB; says why it can't. */
function mount(): string | null {
  if (process.platform !== 'linux' || process.geteuid?.() !== 0) return 'a small tmpfs needs Linux and root';
  const path = mkdtempSync(join(tmpdir(), 'small-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k,mode=0700', 'tmpfs', path], { stdio: 'pipe' });
  } catch (error) {
    rmdirSync(path);
    return `tmpfs cannot be mounted here: ${(error as Error).message}`;
  }
  disk = path;
  return null;
}

/** 15,000 numbered lines of 100 bytes, 5,000 a second, then code 7. */
const lines = 15_000;
const writer = `
let n = 0;
const began = Date.now();
const timer = setInterval(() => {
  let text = '';
  for (const due = Math.min(${lines}, (Date.now() - began) * 5); n < due; n++) text += String(n).padEnd(99, '.') + '\\n';
  if (text) process.stdout.write(text);
  if (n === ${lines}) { clearInterval(timer); process.exitCode = 7; }
}, 10);
`;

test('on a full disk the worker runs on, lost bytes are counted, what comes after there is room is kept, and so is the exit', async ({ skip }) => {
  const why = mount();
  if (why !== null) return skip(why);
  const state = disk as string;
  writeFileSync(join(state, 'ballast'), Buffer.alloc(100_000, 1));
  const driver = driverOn(state);
  const agent = 'a0000000-0000-4000-8000-000000000000';
  const ref = { agent, worker: 'w', generation: '1-a', instance: 'i' };
  const target = { ref, handle: null };
  await driver.start(ref, runOf(specOf([process.execPath, '-e', writer])), call());
  const isFull = (): boolean => {
    try {
      writeFileSync(join(state, 'more'), Buffer.alloc(8192, 1));
      rmSync(join(state, 'more'));
      return false;
    } catch {
      rmSync(join(state, 'more'), { force: true });
      return true;
    }
  };
  await until(isFull, 'the full disk');
  await new Promise((done) => setTimeout(done, 500));
  expect((await driver.inspect(target, call())).is).toBe('running');
  rmSync(join(state, 'ballast'));
  await until(isFull, 'the disk that is full again');
  expect((await ended(driver, target)).exit).toMatchObject({ code: 7, evidence: 'holder' });
  const seen = await logsOf(driver, target, 'start', true);
  const all = Array.from({ length: lines }, (_, line) => `${String(line).padEnd(99, '.')}\n`).join('');
  expect(seen.stdout.length).toBeGreaterThan(100_000);
  expect(seen.gaps).toBeGreaterThan(0);
  const record = (await import('../../instance/directory.ts')).readExit(join(state, agent, 'w', 'i'));
  // What was lost after the last frame that found room stands in the exit record only.
  expect(seen.stdout.length + (record?.lostBytes ?? 0)).toBe(all.length);
  expect(seen.gap).toBeLessThanOrEqual(record?.lostBytes ?? 0);
  await driver.close();
  expect(existsSync(state)).toBe(true);
});
