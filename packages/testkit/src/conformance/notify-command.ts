import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { absent } from './absent.ts';

const python = `import os, socket, sys, time
to = os.environ["NOTIFY_SOCKET"]
for message in sys.argv[1:]:
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(message.encode(), "\\0" + to[1:] if to[0] == "@" else to)
while True: time.sleep(60)`;

const perl = `use Socket;
my $to = $ENV{NOTIFY_SOCKET};
$to =~ s/^@/\\0/;
socket(my $out, AF_UNIX, SOCK_DGRAM, 0) or die $!;
for (@ARGV) { send($out, $_, 0, pack_sockaddr_un($to)) or die $!; }
sleep 60 while 1;`;

/** argv of a worker that sends each message by sd_notify(3), one after the other, and lives on. Node itself has no datagrams of the unix domain. */
export function notifyCommand(messages: readonly string[]): readonly string[] {
  const byPerl = onPath('perl');
  if (byPerl !== null) return [byPerl, '-e', perl, '--', ...messages];
  const byPython = onPath('python3');
  if (byPython !== null) return [byPython, '-c', python, ...messages];
  throw absent('neither perl nor python3 is here to send by sd_notify(3): name a command that can by `notify`');
}

function onPath(name: string): string | null {
  const files = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name));
  return files.find(isExecutable) ?? null;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
