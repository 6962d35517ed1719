import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStore, type Store } from './index.ts';

let dataDir: string;
let agent: ChildProcess | null = null;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'store-'));
});
afterEach(() => {
  agent?.kill('SIGKILL');
  rmSync(dataDir, { recursive: true });
});

const program = fileURLToPath(new URL('./fixtures/committing-agent.ts', import.meta.url));

/** Runs the committing agent until `count` batches are acknowledged, kills it at once, and returns every batch it saw acknowledged. */
async function commitUntilKilled(from: number, count: number): Promise<{ acknowledged: number[]; stderr: string }> {
  const child = spawn(process.execPath, ['--conditions=@ostler/source', program, dataDir, `${from}`], { stdio: ['ignore', 'pipe', 'pipe'] });
  agent = child;
  const acknowledged: number[] = [];
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = once(child, 'close');
  for await (const line of createInterface(child.stdout)) {
    acknowledged.push(Number(line));
    if (acknowledged.length === count) child.kill('SIGKILL');
  }
  await ended;
  return { acknowledged, stderr };
}

async function wholeBatches(store: Store): Promise<Set<number>> {
  const { workers, instances, values } = await store.load();
  const journal = await store.journal({});
  const found = new Set(workers.map((w) => Number(w.worker.slice(1))));
  expect(new Set(instances.map((i) => Number(i.worker.slice(1))))).toEqual(found);
  expect(new Set(Object.values(values))).toEqual(found);
  for (const n of found) expect(journal.filter((r) => r.worker === `w${n}`).map((r) => r.text)).toEqual(['one', 'two']);
  expect(journal).toHaveLength(found.size * 2);
  return found;
}

test('an agent killed with -9 while it commits has every batch that it saw acknowledged, each whole, and nothing half', { timeout: 60_000 }, async () => {
  const all: number[] = [];
  for (const [round, count] of [1, 2, 3, 7, 20, 41, 90].entries()) {
    const { acknowledged, stderr } = await commitUntilKilled(round * 100_000, count);
    expect(stderr).toBe('');
    expect(acknowledged.length).toBeGreaterThanOrEqual(count);
    all.push(...acknowledged);
    const store = await openStore({ dataDir });
    expect(store.setAside).toBeNull();
    const found = await wholeBatches(store);
    expect(all.filter((n) => !found.has(n))).toEqual([]);
    await store.close();
  }
});

test('a second agent is refused while another process holds the directory, and comes up once that is killed with -9', async () => {
  const child = spawn(process.execPath, ['--conditions=@ostler/source', program, dataDir, '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  agent = child;
  await once(child.stdout, 'data');
  child.stdout.resume();
  await expect(openStore({ dataDir })).rejects.toMatchObject({ code: 'agent-is-running', message: expect.stringContaining(`pid ${child.pid}`) });
  child.kill('SIGKILL');
  await once(child, 'exit');
  const store = await openStore({ dataDir });
  expect((await wholeBatches(store)).size).toBeGreaterThan(0);
  await store.close();
});
