import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '@ostler/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { commandArgv } from '../fixtures/command.ts';
import { type FakeAgent, fakeAgent, ps, worker } from '../fixtures/fake-agent.ts';

const hasTmux = JSON.parse(process.env['OSTLER_ABILITIES'] ?? '{}').tmux === null;
let agent: FakeAgent;
let folder: string;
beforeEach(async () => {
  agent = await fakeAgent();
  folder = mkdtempSync(join(tmpdir(), 'ostler-tmux-'));
});
afterEach(async () => {
  if (hasTmux) spawnSync('tmux', ['-S', join(folder, 'tmux'), 'kill-server']);
  await agent.stop();
  rmSync(folder, { recursive: true, force: true });
});

const tmux = (...args: string[]): string =>
  execFileSync('tmux', ['-S', join(folder, 'tmux'), ...args], { encoding: 'utf8', env: { ...process.env, TERM: 'xterm-256color', NO_COLOR: '' } });
const screen = (...args: string[]): string[] =>
  tmux('capture-pane', '-p', ...args, '-t', 't')
    .trimEnd()
    .split('\n');

/** A terminal in which the command runs; afterwards it shows the exit code and whether the cursor and the line discipline are back. */
function terminal(args: readonly string[]): void {
  const command = [...commandArgv, ...args].map((word) => `'${word}'`).join(' ');
  tmux(
    '-f',
    '/dev/null',
    'new-session',
    '-d',
    '-x',
    '80',
    '-y',
    '10',
    '-s',
    't',
    `export OSTLER_SOCKET='${agent.socket}'; trap : INT; ${command}; echo "code $? $(stty -a | grep -o -e '-\\?icanon')"; cat`,
  );
}

test.skipIf(!hasTmux)(
  'ps -f draws over itself, fits the terminal after each resize, counts what does not fit, and Ctrl-C leaves it',
  async () => {
    let workers = [worker('web', { reason: 'a reason that is far too long for a terminal of only so many columns' }), worker('db')];
    let cpuNs = 0;
    agent.route('GET /v1/ps', () => ps(workers));
    agent.route('GET /v1/stats', () => {
      cpuNs += 1e9;
      return { version: 1, workers: [{ name: 'web', cpuNs, memoryBytes: 2 ** 20, ioBytes: null }] };
    });
    agent.route('GET /v1/events', (_asked, response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders());
    terminal(['ps', '-f']);
    const rates = await waitFor('rates', () => screen().find((line) => /^web .* \d+\.\d% .* 1\.0 MiB .*a reason.*…$/.test(line)));
    expect(rates.length).toBeLessThan(80);
    expect(screen().filter((line) => line.startsWith('NAME'))).toHaveLength(1);
    expect(screen('-e').join('\n')).toContain('\u001b[32mhealthy');

    tmux('resize-window', '-t', 't', '-x', '40', '-y', '10');
    await waitFor('the narrow table', () => screen().some((line) => /^web +healthy .*a rea.*…$/.test(line)));
    expect(screen().filter((line) => line.startsWith('NAME'))).toHaveLength(1);

    workers = Array.from({ length: 30 }, (_, i) => worker(`w${i}`));
    await waitFor('what does not fit', () => screen().includes('… and 23 more'));
    expect(screen()[0]).toMatch(/^NAME/);

    tmux('send-keys', '-t', 't', 'C-c');
    expect(await waitFor('its end', () => screen().find((line) => line.includes('code')))).toMatch(/code 0 icanon$/);
    expect(tmux('display-message', '-p', '-t', 't', '#{cursor_flag}').trim()).toBe('1');
  },
  60_000,
);

test.skipIf(!hasTmux)(
  'exec on a terminal sends keys as they are and the size as it changes, and gives the terminal back',
  async () => {
    const { encodeFrame, frame, readFrames } = await import('../client/frames.ts');
    const got: string[] = [];
    agent.onUpgrade((connection, request) => {
      got.push(new URL(request.url ?? '', 'http://agent').searchParams.get('tty') ?? '');
      connection.on('error', () => {}).write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ostler-exec/1\r\n\r\n');
      const play = async (): Promise<void> => {
        for await (const { type, payload } of readFrames(connection)) {
          got.push(`${type} ${JSON.stringify(payload.toString())}`);
          if (payload.includes(3)) connection.end(encodeFrame(frame.exit, '{"code":7}'));
        }
      };
      void play().catch(() => {});
    });
    terminal(['exec', 'web', 'sh']);
    await waitFor('the size', () => got.length === 2);
    tmux('send-keys', '-t', 't', 'a');
    await waitFor('the key', () => got.includes('0 "a"'));
    tmux('resize-window', '-t', 't', '-x', '70', '-y', '9');
    await waitFor('the new size', () => got.some((text) => text.startsWith('4') && text.includes('70')));
    tmux('send-keys', '-t', 't', 'C-c');
    expect(await waitFor('its end', () => screen().find((line) => line.includes('code')))).toMatch(/code 7 icanon$/);
    expect(got).toEqual(['1', '4 "{\\"columns\\":80,\\"rows\\":10}"', '0 "a"', '4 "{\\"columns\\":70,\\"rows\\":9}"', '0 "\\u0003"']);
  },
  60_000,
);
