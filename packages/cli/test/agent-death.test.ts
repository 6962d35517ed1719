import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startTestAgent, type TestAgent, waitFor } from '@ostler/testkit';
import { afterEach, describe, expect, test } from 'vitest';

const abilities = JSON.parse(process.env['OSTLER_ABILITIES'] ?? '{}') as Readonly<Record<string, string | null>>;
const users = [
  { name: 'as this user', user: undefined, isPossible: true },
  { name: 'as an ordinary user', user: { uid: 65_534, gid: 65_534 }, isPossible: abilities['ordinary-user'] === null && process.getuid?.() === 0 },
] as const;

/** Numbered lines, five thousand in a second, by the clock: what the machine is late with is made up for, but no more of them than can be read again. */
const numbers = `
let n = 0;
const began = Date.now();
setInterval(() => {
  let text = '';
  for (const due = Math.min(250000, (Date.now() - began) * 5); n < due; n++) text += n + '\\n';
  if (text) process.stdout.write(text);
}, 10);
`;
/** Ends in its own way once the file is there. */
const ender = `
const { existsSync } = require('node:fs');
const [, , file, how] = process.argv;
setInterval(() => {
  if (!existsSync(file)) return;
  if (/^\\d+$/.test(how)) process.exit(Number(how));
  process.kill(process.pid, how);
}, 2);
`;
const ways = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'SIGKILL', 'SIGTERM', 'SIGABRT', 'SIGSEGV', 'SIGHUP'];

interface Ps {
  readonly workers: readonly {
    readonly name: string;
    readonly state: string;
    readonly restarts: number;
    readonly native: { readonly pid: number | null };
    readonly exit: { readonly code: number | null; readonly signal: string | null } | null;
  }[];
}
const ps = async (agent: TestAgent): Promise<Ps['workers']> => ((await agent.ps()) as Ps).workers;

async function linesOf(agent: TestAgent, worker: string): Promise<readonly string[]> {
  const { body } = await agent.request('GET', `/v1/workers/${worker}/logs`);
  const records = String(body)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { readonly type: string; readonly data: string | null });
  expect(records.filter(({ type }) => type !== 'log')).toEqual([]);
  return Buffer.concat(records.map(({ data }) => Buffer.from(data ?? '', 'base64')))
    .toString()
    .split('\n');
}

let agent: TestAgent | undefined;
afterEach(async () => {
  await agent?.request('POST', '/v1/down', { waitMs: 60_000 }).catch(() => {});
  await agent?.stop();
  agent = undefined;
}, 120_000);

for (const { name, user, isPossible } of users) {
  describe.skipIf(!isPossible)(`an agent that is killed again and again, ${name}`, () => {
    test('restarts no worker, and loses and doubles no line', { timeout: 240_000 }, async () => {
      const names = Array.from({ length: 20 }, (_, i) => `numbers-${i}`);
      agent = await startTestAgent({
        hostFile: {
          ostler: 1,
          host: 'test',
          workers: Object.fromEntries(
            names.map((worker) => [worker, { runtime: 'native', command: [process.execPath, 'numbers.cjs'], health: { minUp: '1s' } }]),
          ),
        },
        files: { 'numbers.cjs': numbers },
        ...(user === undefined ? {} : { user }),
        deadlineMs: 60_000,
      });
      const here = agent;
      const begun = await waitFor(
        'all run',
        async () => {
          const workers = await ps(here);
          return workers.length === 20 && workers.every(({ native, state }) => native.pid !== null && ['running', 'healthy'].includes(state)) && workers;
        },
        60_000,
      );
      const pids = begun.map(({ native }) => native.pid);
      for (let kill = 0; kill < 20; kill += 1) {
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 400));
        await here.kill9();
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 200));
        await here.restart();
        const now = await ps(here);
        expect(now.map(({ native, restarts }) => [native.pid, restarts])).toEqual(pids.map((pid) => [pid, 0]));
      }
      for (const worker of names) {
        const lines = await linesOf(here, worker);
        // The last one may be cut where it was read.
        const whole = lines.slice(0, -1);
        expect(whole.length, worker).toBeGreaterThan(25_000);
        expect(
          whole.findIndex((line, index) => line !== String(index)),
          `first wrong line of ${worker}`,
        ).toBe(-1);
      }
    });

    test('reports each exit that happened meanwhile, with its own code or signal', { timeout: 120_000 }, async () => {
      agent = await startTestAgent({
        hostFile: {
          ostler: 1,
          host: 'test',
          defaults: { service: { runtime: 'native', restart: 'never' } },
          workers: Object.fromEntries(ways.map((how) => [`end-${how.toLowerCase()}`, { command: [process.execPath, 'ender.cjs', `go-${how}`, how] }])),
        },
        files: { 'ender.cjs': ender },
        ...(user === undefined ? {} : { user }),
        deadlineMs: 60_000,
      });
      const here = agent;
      await waitFor('all run', async () => (await ps(here)).every(({ native }) => native.pid !== null), 60_000);
      const go = (how: string): void => writeFileSync(join(here.folder, `go-${how}`), '');
      // Some end while the agent is being killed, some when it has been dead for a while.
      for (const how of ways.slice(0, 5)) go(how);
      const killed = here.kill9();
      for (const how of ways.slice(5)) go(how);
      await killed;
      await new Promise((resolve) => setTimeout(resolve, 300));
      await here.restart();
      const found = await waitFor('all ends are known', async () => {
        const workers = await ps(here);
        return workers.every(({ exit }) => exit !== null) && workers;
      });
      const told = Object.fromEntries(found.map(({ name: worker, exit }) => [worker, exit?.signal ?? String(exit?.code)]));
      expect(told).toEqual(Object.fromEntries(ways.map((how) => [`end-${how.toLowerCase()}`, how])));
      expect(found.map(({ restarts }) => restarts)).toEqual(ways.map(() => 0));
    });
  });
}
