import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';

/** State of a socket that listens, in the tables of proc_net(5). */
const listens = '0A';

/**
 * Who listens on a TCP port of this host, as `nginx (pid 4711)`; `null` = nobody that this user may see. On Linux alone, by proc_net(5) and proc_pid_fd(5):
 * elsewhere nothing tells it without a further program.
 */
export async function portHolder(port: number): Promise<string | null> {
  if (process.platform !== 'linux') return null;
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map((path) => readFile(path, 'latin1').catch(() => '')));
  const sockets = new Set(tables.flatMap((table) => table.split('\n').flatMap((line) => inodeOf(line, port) ?? [])).map((inode) => `socket:[${inode}]`));
  if (sockets.size === 0) return null;
  for (const pid of (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name)))
    if (await holds(pid, sockets)) return `${await nameOf(pid)} (pid ${pid})`;
  return null;
}

/** Columns: number, local address, remote address, state, queues, timer, retransmits, uid, timeout, inode. */
function inodeOf(line: string, port: number): string | null {
  const columns = line.trim().split(/\s+/);
  const local = columns[1]?.split(':')[1];
  return local !== undefined && columns[3] === listens && Number.parseInt(local, 16) === port ? (columns[9] ?? null) : null;
}

async function holds(pid: string, sockets: ReadonlySet<string>): Promise<boolean> {
  const dir = `/proc/${pid}/fd`;
  // Of another user, or it has ended meanwhile.
  const fds = await readdir(dir).catch(() => []);
  for (const fd of fds) if (sockets.has(await readlink(`${dir}/${fd}`).catch(() => ''))) return true;
  return false;
}

/** Its program by the command line: the name that the kernel keeps is one that threads give each other. */
async function nameOf(pid: string): Promise<string> {
  const [command = ''] = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split(/[\0 ]/);
  return basename(command).replace(/:$/, '') || 'a program';
}
