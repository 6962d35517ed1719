import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestAgent, waitFor } from '@ostler/testkit';
import { afterEach, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'ostler-notify-'));
let manager: ChildProcess | undefined;
afterEach(() => {
  manager?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** A service manager's end of the socket: prints what comes, one datagram a line. */
const listener = `
use Socket;
socket(my $s, PF_UNIX, SOCK_DGRAM, 0) or die;
bind($s, pack_sockaddr_un($ARGV[0])) or die;
$| = 1;
print "listening\n";
while (defined recv($s, my $m, 4096, 0)) { $m =~ s/\n/ /g; print "$m\n"; }
`;

test('an agent that is a service says READY=1 once it answers, WATCHDOG=1 in time, and STOPPING=1', async () => {
  const socket = join(folder, 'notify');
  manager = spawn('perl', ['-e', listener, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  manager.stdout?.on('data', (bytes) => {
    said += bytes;
  });
  await waitFor('the manager listens', () => said.includes('listening'));
  const agent = await startTestAgent({
    hostFile: { ostler: 1, host: 'test', workers: {} },
    env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '400000' },
  });
  await waitFor('READY=1', () => said.includes(`READY=1 MAINPID=${agent.pid} STATUS=`));
  await waitFor('WATCHDOG=1 three times', () => said.split('WATCHDOG=1').length > 3);
  expect(said).not.toContain('STOPPING');
  await agent.stop();
  await waitFor('STOPPING=1', () => said.includes('STOPPING=1'));
});
