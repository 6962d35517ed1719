import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { startTestAgent, type TestAgent, waitFor } from '@ostler/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run, start } from '../src/fixtures/command.ts';

const node = process.execPath;
const script = (text: string) => [node, '-e', text];
/** Holds 60 MB in its first life, next to nothing in those after. */
const greedy = `[ -e was-here ] && exec sleep 600; : > was-here; exec '${node}' -e 'globalThis.held = Buffer.alloc(60e6, 1); setInterval(() => {}, 1000)'`;

let agent: TestAgent;
beforeAll(async () => {
  const native = { runtime: 'native' };
  agent = await startTestAgent({
    hostFile: {
      ostler: 1,
      host: 'test',
      workers: {
        web: { ...native, command: ['sleep', '600'] },
        greedy: { ...native, shell: greedy, restart: { memoryAbove: '60MB' } },
        backup: {
          ...native,
          schedule: '0 0 29 2 *',
          restart: 'never',
          command: script("console.log('saved'); console.error('slowly'); process.exitCode = 5"),
        },
        // Fails, then does not: what it leaves behind says which time it is.
        twice: {
          ...native,
          schedule: '0 0 29 2 *',
          command: script(
            "const { existsSync, writeFileSync } = require('node:fs'); const is = existsSync('tried'); writeFileSync('tried', ''); console.log(is ? 'second' : 'first'); process.exit(is ? 0 : 9)",
          ),
        },
        late: { ...native, schedule: { cron: '0 0 29 2 *', timeout: '1s' }, restart: 'never', command: ['sleep', '600'] },
        once: { ...native, kind: 'job', command: ['echo', 'made'] },
        long: { ...native, schedule: '0 0 29 2 *', command: script("console.log('on'); setInterval(() => {}, 1000)") },
      },
    },
  });
}, 60_000);
afterAll(async () => {
  await agent.request('POST', '/v1/down', { waitMs: 20_000 }).catch(() => {});
  await agent.stop();
}, 60_000);

const ostler = (...args: string[]) => run([...args, '--socket', agent.socket]);
const worker = async (name: string) =>
  ((await agent.ps()) as { workers: { name: string; state: string; want: string; restarts: number; exit: { code: number | null } | null }[] }).workers.find(
    (one) => one.name === name,
  )!;

test('run runs a worker with a schedule now, prints what it prints and ends with its exit code; it waits for its time again then', async () => {
  expect(await ostler('run', 'backup')).toEqual({ code: 5, stdout: 'saved\n', stderr: 'slowly\n' });
  expect(await worker('backup')).toMatchObject({ state: 'failed', want: 'run', exit: { code: 5 } });
  expect((await ostler('run', 'backup')).code).toBe(5);
  expect((await ostler('why', 'backup')).stdout).toMatch(/Starting: a run was asked for\..*Exited with code 5/s);
});

test('run runs a job again that is done, and one that is held is wanted again', async () => {
  await waitFor('it is done', async () => (await worker('once')).state === 'done');
  expect(await ostler('run', 'once')).toEqual({ code: 0, stdout: 'made\n', stderr: '' });
  expect((await ostler('stop', 'once')).code).toBe(0);
  expect(await worker('once')).toMatchObject({ state: 'stopped', want: 'held' });
  expect(await ostler('run', 'once')).toEqual({ code: 0, stdout: 'made\n', stderr: '' });
  expect(await worker('once')).toMatchObject({ state: 'done', want: 'run' });
});

test('run says that its run was stopped, and why, whatever it ended with', async () => {
  expect(await ostler('run', 'late')).toEqual({ code: 143, stdout: '', stderr: 'the run of late was stopped: it ran longer than its schedule allows\n' });
});

test('run waits for the next try of a run that failed', async () => {
  expect(await ostler('run', 'twice')).toMatchObject({ code: 0, stdout: 'first\nsecond\n' });
});

test('run refuses a service, a worker that is not there, and one that runs already, and says what to do', async () => {
  expect(await ostler('run', 'web')).toMatchObject({ code: 125, stderr: expect.stringMatching(/web is a service.*\n.*ostler start web/) });
  expect(await ostler('run', 'nope')).toMatchObject({ code: 125, stderr: expect.stringContaining('there is no worker nope on this host') });
  const running = start(['run', 'long', '--socket', agent.socket]);
  await waitFor('it runs', () => running.stdout() === 'on\n');
  expect(await ostler('run', 'long')).toMatchObject({
    code: 125,
    stderr: expect.stringMatching(/long is running already, since .*: nothing was begun\n.*ostler logs -f long/),
  });
  // Ctrl-C ends the run and holds nothing.
  running.child.kill('SIGINT');
  expect(await running.ended).toMatchObject({ code: 130, stdout: 'on\n' });
  expect(await worker('long')).toMatchObject({ state: 'failed', want: 'run' });
  expect((await ostler('why', 'long')).stdout).toMatch(/This run was called off by the command\..*Stopping: this run of it was called off\./s);
}, 60_000);

test('a worker that uses more memory than its rule allows is started anew, and `why` says how much it was', async () => {
  await waitFor('it is started anew', async () => (await worker('greedy')).restarts > 0, 40_000);
  expect(existsSync(join(agent.folder, 'was-here'))).toBe(true);
  expect((await ostler('why', 'greedy')).stdout).toMatch(/Stopping: it used more memory than its restart rule allows: [\d.]+ MiB after 3 looks/);
  await waitFor('it runs', async () => ['running', 'healthy'].includes((await worker('greedy')).state));
}, 60_000);
