import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startTestAgent, type TestAgent, waitFor } from '@ostler/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';

const abilities = JSON.parse(process.env['OSTLER_ABILITIES'] ?? '{}') as Readonly<Record<string, string | null>>;
const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

interface Ps {
  readonly workers: readonly { readonly name: string; readonly state: string; readonly restarts: number; readonly native: { readonly pid: number | null } }[];
}

/** Writes down when it begins, is ready and ends: `NAME begins INSTANCE`, one write each. Ready after a time; once told to end, it takes another. */
const worker = `
const { appendFileSync, writeFileSync } = require('node:fs');
const [, , readyMs, endMs] = process.argv;
const { OSTLER_WORKER: name, OSTLER_INSTANCE: instance } = process.env;
const tell = (what) => appendFileSync('told', name + ' ' + what + '\\n');
process.on('SIGTERM', () => {
  tell('is told to end');
  setTimeout(() => {
    tell('ends');
    process.exit(0);
  }, Number(endMs));
});
tell('begins');
setTimeout(() => {
  tell('is ready');
  writeFileSync('ready.' + instance, '');
}, Number(readyMs));
setInterval(() => {}, 1000);
`;

/** Three levels; the one that all stand on takes longest to become healthy. Names are against the order, so that no alphabet helps. */
const dependencies: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  web: {},
  queue: { web: 'healthy' },
  users: { web: 'healthy' },
  app: { queue: 'healthy', users: 'started' },
};
const hostFile = {
  ostler: 1,
  host: 'test',
  workers: Object.fromEntries(
    Object.entries(dependencies).map(([name, dependsOn]) => [
      name,
      {
        runtime: 'native',
        command: [process.execPath, 'worker.cjs', name === 'web' ? '600' : '50', name === 'app' ? '200' : '20'],
        health: { exec: ['sh', '-c', 'test -e ready.$$OSTLER_INSTANCE'], interval: '1s', startInterval: '50ms', startPeriod: '30s' },
        dependsOn,
      },
    ]),
  ),
};

let fakes: string;
let agent: TestAgent | undefined;
beforeEach(() => {
  fakes = mkdtempSync(join(tmpdir(), 'ostler-boot-'));
});
afterEach(async () => {
  await agent?.request('POST', '/v1/down', { waitMs: 30_000 }).catch(() => {});
  await agent?.stop();
  agent = undefined;
  rmSync(fakes, { recursive: true, force: true });
}, 60_000);

const told = (one: TestAgent): readonly string[] => readFileSync(join(one.folder, 'told'), 'utf8').trimEnd().split('\n');
const ps = async (one: TestAgent): Promise<Ps['workers']> => ((await one.ps()) as Ps).workers;
const allHealthy = (one: TestAgent) =>
  waitFor(
    'all are healthy',
    async () => {
      const workers = await ps(one);
      return workers.length === 4 && workers.every(({ state }) => state === 'healthy') && workers;
    },
    30_000,
  );

/** Each begins once, and only after those it depends on are as it wants them. */
function expectOrderOfStart(lines: readonly string[]): void {
  expect(lines.filter((line) => line.endsWith('begins')).sort()).toEqual(
    Object.keys(dependencies)
      .map((name) => `${name} begins`)
      .sort(),
  );
  for (const [name, needs] of Object.entries(dependencies))
    for (const [on, rule] of Object.entries(needs)) {
      const before = lines.slice(0, lines.indexOf(`${name} begins`));
      expect(before, `before ${name} begins`).toContain(`${on} ${rule === 'healthy' ? 'is ready' : 'begins'}`);
    }
}

/** State and parent of a process that lives; `null`: there is none, or a zombie. */
function parentOf(pid: number): number | null {
  try {
    const [state, parent] = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? [];
    return state === 'Z' || state === 'X' ? null : Number(parent);
  } catch {
    return null;
  }
}

/** Kills processes of the agent's workers, and waits until they are dead. */
async function kill(pids: readonly number[]): Promise<void> {
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  await waitFor('they are dead', () => pids.every((pid) => parentOf(pid) === null));
}

const pidsOf = (workers: Ps['workers']): readonly number[] => workers.map(({ native }) => native.pid ?? -1);

test.skipIf(process.platform !== 'linux')(
  'three levels start in order at first, again in order when they died with their agent, not at all when the agent alone did, and stop in reverse',
  { timeout: 120_000 },
  async () => {
    agent = await startTestAgent({ hostFile, files: { 'worker.cjs': worker } });
    const one = agent;
    const before = pidsOf(await allHealthy(one));
    expectOrderOfStart(told(one));

    await one.kill9();
    await one.restart();
    expect(pidsOf(await allHealthy(one))).toEqual(before);
    const first = told(one);
    expect(first.filter((line) => line.endsWith('begins'))).toHaveLength(4);

    await one.kill9();
    await kill(before);
    await one.restart();
    await allHealthy(one);
    const second = told(one).slice(first.length);
    expectOrderOfStart(second);

    const { body } = await one.request('POST', '/v1/down', { waitMs: 30_000 });
    expect((body as { outcome: string }).outcome).toBe('done');
    const end = told(one).slice(first.length + second.length);
    expect(end.filter((line) => line.endsWith(' ends'))).toHaveLength(4);
    for (const [name, needs] of Object.entries(dependencies))
      for (const on of Object.keys(needs)) expect(end.slice(0, end.indexOf(`${on} is told to end`)), `before ${on} is told to end`).toContain(`${name} ends`);
  },
);

/** Gives the agent the boot id that stands in a file, once there is that file: in a mount namespace of its own. */
const otherBoot = '[ ! -e "$TEST_BOOT_ID" ] || mount --bind "$TEST_BOOT_ID" /proc/sys/kernel/random/boot_id || exit 9; exec "$@"';

test.skipIf(abilities['tmpfs-mount'] !== null)('after the host was started again they start in order, each once', { timeout: 120_000 }, async () => {
  const bootId = join(fakes, 'boot-id');
  agent = await startTestAgent({
    hostFile,
    files: { 'worker.cjs': worker },
    command: ['unshare', '--mount', 'sh', '-c', otherBoot, 'sh', process.execPath, '--conditions=@ostler/source', main],
    env: { TEST_BOOT_ID: bootId },
  });
  const one = agent;
  const workers = pidsOf(await allHealthy(one));
  const first = told(one);
  const holders = workers.flatMap((pid) => parentOf(pid) ?? []);
  await one.kill9();
  await kill([...holders, ...workers]);
  writeFileSync(bootId, '00000000-0000-4000-8000-000000000001\n');
  await one.restart();
  const now = await allHealthy(one);
  expectOrderOfStart(told(one).slice(first.length));
  expect(pidsOf(now).filter((pid) => workers.includes(pid))).toEqual([]);
  const why = await one.request('GET', '/v1/workers/web/why');
  expect(JSON.stringify(why.body)).toContain('how is not known: what held it was gone');
});
