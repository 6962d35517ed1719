import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestAgent, type TestAgent, waitFor } from '@ostler/testkit';
import { afterEach, expect, test } from 'vitest';

const abilities = JSON.parse(process.env['OSTLER_ABILITIES'] ?? '{}') as Readonly<Record<string, string | null>>;

let agent: TestAgent | undefined;
let disk: string | undefined;
afterEach(async () => {
  await agent?.request('POST', '/v1/down', { waitMs: 30_000 }).catch(() => {});
  await agent?.stop();
  if (disk === undefined) return;
  execFileSync('umount', ['-l', disk]);
  rmdirSync(disk);
}, 60_000);

interface Ps {
  readonly workers: readonly {
    readonly name: string;
    readonly native: { readonly pid: number | null };
    readonly exit: { readonly code: number | null } | null;
  }[];
}

/** 5,000 numbered lines of 100 bytes a second until there is a file `end`, then code 7 and, on the one place that has room, how many there were. */
const flood = `
const fs = require('node:fs');
let n = 0;
const began = Date.now();
setInterval(() => {
  let text = '';
  for (const due = (Date.now() - began) * 5; n < due; n++) text += String(n).padEnd(99, '.') + '\\n';
  if (text) process.stdout.write(text);
  if (!fs.existsSync(process.argv[2] + '/end')) return;
  fs.writeFileSync(process.argv[2] + '/count', String(n));
  process.stdout.write('', () => process.exit(7));
}, 10);
`;

test.skipIf(abilities['tmpfs-mount'] !== null)(
  'on a full disk under log, state and exit the worker lives, lost bytes are counted, the agent says so, and all goes on once there is room',
  { timeout: 120_000 },
  async () => {
    const path = mkdtempSync(join(tmpdir(), 'ostler-small-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m,mode=0700', 'tmpfs', path]);
    disk = path;
    writeFileSync(join(path, 'ballast'), Buffer.alloc(3 << 20, 1));
    const here = mkdtempSync(join(tmpdir(), 'ostler-flood-'));
    agent = await startTestAgent({
      dataDir: join(path, 'data'),
      hostFile: {
        ostler: 1,
        host: 'test',
        workers: { flood: { runtime: 'native', restart: 'never', command: [process.execPath, 'flood.cjs', here] } },
      },
      files: { 'flood.cjs': flood },
    });
    const one = agent;
    const flooding = async () => (await (one.ps() as Promise<Ps>)).workers[0];
    const pid = await waitFor('it runs', async () => (await flooding())?.native.pid);
    const freeBytes = (): number => {
      const { bavail, bsize } = statfsSync(path);
      return bavail * bsize;
    };
    await waitFor('the disk is full', () => freeBytes() < 8192, 60_000);
    // Long enough for something to be lost.
    await new Promise((done) => setTimeout(done, 500));
    const doctor = await one.request('GET', '/v1/doctor');
    expect(JSON.stringify(doctor.body)).toMatch(/the disk of [^ ]+ is (?:almost )?full/);
    expect((await flooding())?.native.pid).toBe(pid);
    rmSync(join(path, 'ballast'));
    await waitFor('what was lost is told', async () => String((await one.request('GET', '/v1/workers/flood/logs')).body).includes('"type":"gap"'), 30_000);
    writeFileSync(join(here, 'end'), '');
    const exit = await waitFor('its end is known', async () => (await flooding())?.exit ?? false, 30_000);
    expect(exit).toMatchObject({ code: 7 });
    const { body } = await one.request('GET', '/v1/workers/flood/logs');
    const records = String(body)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { readonly type: string; readonly data: string | null; readonly gap: number | null });
    const kept = records.reduce((sum, { data }) => sum + Buffer.from(data ?? '', 'base64').length, 0);
    const lost = records.reduce((sum, { gap }) => sum + (gap ?? 0), 0);
    expect(lost).toBeGreaterThan(0);
    expect(kept + lost).toBe(Number(readFileSync(join(here, 'count'), 'utf8')) * 100);
    const after = await one.request('POST', '/v1/workers/flood/start', { waitMs: 10_000 });
    expect(after.status).toBe(200);
    expect(existsSync(join(path, 'data'))).toBe(true);
    rmSync(here, { recursive: true });
  },
);
