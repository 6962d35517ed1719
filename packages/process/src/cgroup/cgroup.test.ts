import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Bench, bench, call, ended, logsOf, specOf, until } from '../driver/fixtures/bench.ts';

let b: Bench;
beforeEach(() => {
  b = bench();
});
afterEach(() => b.end());

const limits = { cpus: null, memoryBytes: null, memorySwapBytes: null, pids: null };
/** Bounded by itself: without a limit it ends with 0 at 64 MiB. */
const hog = 'let a = []; for (let i = 0; i < 64; i++) a.push(Buffer.alloc(1 << 20, 1)); process.exit(0)';

test('a worker over its memory limit is killed and its exit says so, where there is a controller; else check says so', async () => {
  const facts = await b.driver.facts(call());
  const spec = { limits: { ...limits, memoryBytes: 40 << 20 } };
  const findings = b.driver.check(specOf(['true'], spec), facts);
  if (facts.limits.memory === 'none') {
    expect(findings).toEqual([{ level: 'unenforced', field: 'limits.memory', text: 'limits.memory is not enforced on this host: no memory controller' }]);
    return;
  }
  expect(findings).toEqual([]);
  const main = await b.start(['node', '-e', hog], spec);
  expect((await ended(b.driver, main)).exit).toMatchObject({ code: null, signal: 'SIGKILL', oom: 'main', evidence: 'holder' });
  const inside = await b.start(['sh', '-c', `node -e '${hog}'; exit 3`], spec);
  expect((await ended(b.driver, inside)).exit).toMatchObject({ code: 3, oom: 'inside' });
  const modest = await b.start(['true'], spec);
  expect((await ended(b.driver, modest)).exit).toMatchObject({ code: 0, oom: 'no' });
});

test('a limit on processes is held where there is a controller', async () => {
  if ((await b.driver.facts(call())).limits.pids === 'none') return;
  const target = await b.start(['sh', '-c', 'for i in 1 2 3 4 5 6; do sleep 5 & done; exit 0'], { limits: { ...limits, pids: 4 } });
  expect((await ended(b.driver, target)).exit.code).toBe(2);
});

test('files that a worker wrote do not count as its memory where a controller counts', async () => {
  if ((await b.driver.facts(call())).limits.memory === 'none') return;
  const bytes = 64 << 20;
  const target = await b.start(['sh', '-c', `head -c ${bytes} /dev/zero > ${b.state}/big; echo written; exec sleep 60`], {
    limits: { ...limits, memoryBytes: 256 << 20 },
  });
  await until(async () => (await logsOf(b.driver, target)).stdout.includes('written'), 'the file');
  const [usage] = await b.driver.stats([target], call());
  expect(usage?.memoryBytes).toBeGreaterThan(0);
  expect(usage?.memoryBytes).toBeLessThan(bytes / 2);
});
