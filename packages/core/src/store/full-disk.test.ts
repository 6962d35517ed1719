import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { journalEntry, sample } from './fixtures/sample.ts';
import { isStoreFailure, openDataDir, openStore, type Store } from './index.ts';

let disk: string | null = null;
afterEach(() => {
  if (!disk) return;
  execFileSync('umount', ['-l', disk]);
  rmdirSync(disk);
  disk = null;
});

/** Mounts a disk of 1 MiB; says why it can't. */
function mount(): string | null {
  if (process.platform !== 'linux' || process.geteuid?.() !== 0) return 'a small tmpfs needs Linux and root';
  const path = mkdtempSync(join(tmpdir(), 'small-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=0700', 'tmpfs', path], { stdio: 'pipe' });
  } catch (error) {
    rmdirSync(path);
    return `tmpfs cannot be mounted here: ${(error as Error).message}`;
  }
  disk = path;
  return null;
}

function fill(path: string): void {
  for (const bytes of [65_536, 4096]) {
    try {
      for (let n = 0; ; n++) writeFileSync(join(path, `ballast-${bytes}-${n}`), Buffer.alloc(bytes, 1));
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
    }
  }
}

function empty(path: string): void {
  execFileSync('find', [path, '-name', 'ballast-*', '-delete']);
}

const large = { journal: [journalEntry('x'.repeat(20_000))] };
const small = { values: { n: 1 } };

async function commitUntilFull(store: Store): Promise<number> {
  for (let kept = 0; ; kept++) {
    const failure = await store.commit(large).then(
      () => null,
      (error) => error,
    );
    if (failure === null) continue;
    expect(isStoreFailure(failure) && failure.code).toBe('full');
    return kept;
  }
}

test('on a full disk the reserve is given up so that commits go on; then they are rejected as full, and work again once there is room', async ({ skip }) => {
  const reason = mount();
  if (reason) return skip(reason);
  const dataDir = disk!;
  const told: boolean[] = [];
  const store = await openStore({ dataDir, reserveBytes: 131_072, onFull: (isFull) => told.push(isFull) });
  await store.commit(sample);
  expect(existsSync(join(dataDir, 'reserve'))).toBe(true);
  fill(dataDir);
  expect(statfsSync(dataDir).bavail).toBe(0);

  const kept = await commitUntilFull(store);
  expect(kept).toBeGreaterThan(0);
  expect(told).toEqual([true]);
  expect(existsSync(join(dataDir, 'reserve'))).toBe(false);
  const texts = async () => (await store.journal({})).slice(2).map((r) => r.text.length);
  expect(await texts()).toEqual(Array(kept).fill(20_000));

  empty(dataDir);
  await store.commit(small);
  await store.journal({});
  expect(told).toEqual([true, false]);
  expect(existsSync(join(dataDir, 'reserve'))).toBe(true);
  await store.close();

  const again = await openStore({ dataDir, reserveBytes: 131_072 });
  expect(again.setAside).toBeNull();
  expect((await again.load()).values).toEqual({ ...sample.values, n: 1 });
  expect(await again.journal({})).toHaveLength(2 + kept);
  await again.close();
});

test('a batch too large for what is left does not fail the small ones beside it', async ({ skip }) => {
  const reason = mount();
  if (reason) return skip(reason);
  const store = await openStore({ dataDir: disk!, reserveBytes: 65_536 });
  await store.commit(sample);
  fill(disk!);
  const huge = { journal: [journalEntry('x'.repeat(900_000))] };
  const first = store.commit({});
  const settled = await Promise.allSettled([first, store.commit({ values: { a: 1 } }), store.commit(huge), store.commit({ values: { b: 2 } })]);
  expect(settled.map((s) => s.status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
  expect((await store.load()).values).toEqual({ ...sample.values, a: 1, b: 2 });
  await store.close();
});

test('an agent comes up on a full disk with all that was stored; a new data directory there is a problem', async ({ skip }) => {
  const reason = mount();
  if (reason) return skip(reason);
  const first = await openStore({ dataDir: disk!, reserveBytes: 65_536 });
  await first.commit(sample);
  await first.close();
  fill(disk!);
  const store = await openStore({ dataDir: disk!, reserveBytes: 65_536 });
  expect((await store.load()).workers).toHaveLength(sample.workers!.length);
  await store.close();
  for (const name of ['reserve', 'state.db']) rmSync(join(disk!, name), { force: true });
  fill(disk!);
  await expect(openStore({ dataDir: disk! })).rejects.toMatchObject({ code: 'data-dir-full', message: expect.stringContaining(disk!) });
  await expect(openDataDir(disk!)).rejects.toMatchObject({ code: 'data-dir-full', message: expect.stringContaining(disk!) });
});
