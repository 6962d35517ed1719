import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { EventRecord } from '@ostler/core';
import { waitFor } from '@ostler/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { run, start } from '../src/fixtures/command.ts';

const program = fileURLToPath(new URL('../../core/src/control/fixtures/writing-agent.ts', import.meta.url));
let folder: string;
let socket: string;
let agent: ChildProcess | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ostler-events-'));
  socket = join(folder, 'agent.sock');
});
afterEach(async () => {
  await kill();
  rmSync(folder, { recursive: true });
});

async function boot(keep: number): Promise<void> {
  const child = spawn(process.execPath, ['--conditions=@ostler/source', program, folder, socket, `${keep}`], { stdio: ['ignore', 'pipe', 'inherit'] });
  agent = child;
  await once(child.stdout!, 'data');
}

async function kill(): Promise<void> {
  if (agent === undefined || agent.exitCode !== null || agent.signalCode !== null) return;
  const ended = once(agent, 'exit');
  agent.kill('SIGKILL');
  await ended;
}

const recordsIn = (stdout: string): EventRecord[] =>
  stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as EventRecord);

/** What one reader got over all its connections; throws at the first record that is missing, doubled, or out of order. */
class Reader {
  readonly texts = new Map<number, string>();
  gaps = 0;
  last: number;

  constructor(last: number) {
    this.last = last;
  }

  take({ cursor, type, text, data }: EventRecord): void {
    if (type === 'journal.gap') {
      expect(data).toEqual({ from: this.last + 1, through: Number(cursor) });
      this.gaps += 1;
    } else {
      expect(Number(cursor)).toBe(this.last + 1);
      this.texts.set(Number(cursor), text);
    }
    this.last = Number(cursor);
  }
}

/** Follows, and after each end of its agent goes on where it was. */
async function follow(reader: Reader, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const running = start(['events', '-f', '--json', '--since', `${reader.last}`, '--socket', socket], { input: 'open' });
    let rest = '';
    running.child.stdout?.on('data', (text: string) => {
      const lines = `${rest}${text}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const record = JSON.parse(line) as EventRecord;
        if (record.type !== 'problem') reader.take(record);
      }
      if (isOver()) running.child.kill('SIGTERM');
    });
    await running.ended;
  }
}

async function poll(reader: Reader, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const { code, stdout } = await run(['events', '--json', '--since', `${reader.last}`, '--socket', socket]);
    if (code === 0) for (const record of recordsIn(stdout)) reader.take(record);
  }
}

test('readers that go on from their cursor miss nothing and get nothing twice while the journal is written, trimmed and its agent killed', {
  timeout: 60_000,
}, async () => {
  let isOver = false;
  const [followed, polled] = [new Reader(0), new Reader(0)];
  await boot(300);
  const reading = Promise.all([follow(followed, () => isOver), poll(polled, () => isOver)]);
  reading.catch(() => {});
  for (let death = 0; death < 2; death += 1) {
    const from = [followed.last, polled.last];
    await Promise.race([reading, waitFor('both have read on', async () => followed.last > from[0]! + 400 && polled.last > from[1]! + 400, 30_000)]);
    await kill();
    await boot(300);
  }
  const from = followed.last;
  await Promise.race([reading, waitFor('the last agent is followed', async () => followed.last > from + 400, 30_000)]);
  isOver = true;
  await kill();
  await reading;
  expect(polled.gaps).toBeGreaterThan(0);
  const both = [...polled.texts].filter(([cursor]) => followed.texts.has(cursor));
  expect(both.length).toBeGreaterThan(100);
  for (const [cursor, text] of both) expect(followed.texts.get(cursor)).toBe(text);
});

test('a cursor from before what is kept is told what was dropped, also to who reads of one worker alone', { timeout: 30_000 }, async () => {
  await boot(100);
  const oldest = async (): Promise<number> => Number(recordsIn((await run(['events', '--json', '--socket', socket])).stdout)[0]?.cursor ?? 0);
  await waitFor('the beginning was dropped', async () => (await oldest()) > 50, 20_000);
  const { code, stdout } = await run(['events', '--since', '3', '--worker', 'odd', '--socket', socket]);
  expect(code).toBe(0);
  const [first, second] = stdout.split('\n');
  expect(first).toMatch(/^\d+ {2}2026-\S+ {2}Entries 4 to \d+ were dropped from the journal, by its age or number, before this reader asked for them\.$/);
  expect(second).toMatch(/^\d+ {2}2026-\S+ {2}odd {2}\d+ \d+\.\d$/);
});

test('a cursor that is of no event yet, or none at all, is refused with what is expected, in a list and in a stream', { timeout: 30_000 }, async () => {
  await boot(100);
  for (const more of [[], ['-f']]) {
    expect(await run(['events', ...more, '--since', '999999999', '--socket', socket])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(
        /^the cursor 999999999 is of no event yet: the newest one of this agent has \d+\n {2}it may be of another agent.*--since 0`\n$/,
      ),
    });
    expect(await run(['events', ...more, '--since', 'yesterday', '--socket', socket])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('`yesterday` is no cursor'),
    });
  }
});
