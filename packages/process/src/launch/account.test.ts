import { chownSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Bench, bench, call, ended, logsOf, specOf } from '../driver/fixtures/bench.ts';
import { resolveAccount } from './account.ts';

let b: Bench;
beforeEach(() => {
  b = bench();
});
afterEach(() => b.end());
const isRoot = process.getuid?.() === 0;

test('users are found by name, by number and with a group; one that does not exist is named', async () => {
  expect(await resolveAccount('root', [])).toMatchObject({ name: 'root', uid: 0, gid: 0 });
  expect(await resolveAccount('12345:0', [])).toMatchObject({ uid: 12345, gid: 0, groups: [], home: '/' });
  await expect(resolveAccount('no-such-user', [])).rejects.toMatchObject({ code: 'invalid', outcome: 'no' });
  await expect(resolveAccount('root:no-such-group', [])).rejects.toThrow('the group "no-such-group" does not exist');
  await expect(resolveAccount('-u', [])).rejects.toMatchObject({ code: 'invalid' });
});

test.runIf(isRoot)('a worker of another user reads its secrets, writes to /dev/stdout, and cannot forge the records of its holder', async () => {
  const script = 'id -u; id -G; cat "$OSTLER_SECRETS/s"; echo again >/dev/stdout; echo 0 >"$DIR/exit" || echo kept';
  const files = [{ name: 's', bytes: Buffer.from('secret\n'), mode: 0o400 }];
  const target = await b.start(['sh', '-c', script], { user: '65534:65534', groups: ['7'], env: { DIR: b.state } }, { files, env: {} });
  expect((await ended(b.driver, target)).exit.code).toBe(0);
  expect((await logsOf(b.driver, target)).stdout.split('\n').slice(0, 5)).toEqual(['65534', '65534 7', 'secret', 'again', 'kept']);
});

test.runIf(isRoot)('an agent that is not root is told that it cannot change the user', async () => {
  const facts = await b.driver.facts(call());
  expect(b.driver.check(specOf(['true'], { user: 'root' }), facts)).toEqual([]);
  chownSync(b.state, 0, 0);
  const real = process.getuid;
  process.getuid = () => 1000;
  try {
    expect(b.driver.check(specOf(['true'], { user: 'root' }), facts)).toMatchObject([{ level: 'refused', field: 'user' }]);
    await expect(b.start(['true'], { user: 'root' })).rejects.toMatchObject({ code: 'invalid', outcome: 'no' });
  } finally {
    process.getuid = real as () => number;
  }
});
