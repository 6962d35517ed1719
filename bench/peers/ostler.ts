import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { belonging, type Process } from '../processes.ts';
import { names, type Site, workerCommand } from '../site.ts';
import { removeGroup } from './cgroup.ts';
import { filesIn, lineEnds, linesIn } from './log-lines.ts';
import { ofSupervisors, type Peer } from './peer.ts';
import { firstLine } from './program.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const bin = join(root, 'packages', 'cli', 'bin', 'ostler.js');
const stopMs = 60_000;

export const socketOf = ({ dir }: Site): string => join(dir, 's');
/** The command as a person types it. */
export const ostlerCommand = (...words: readonly string[]): readonly string[] => [process.execPath, bin, ...words];
const dataDirOf = ({ dir }: Site): string => join(dir, 'd');

/** The built command of this checkout, with nothing in the host file but its workers. */
export const ostler: Peer = {
  name: 'ostler',
  rows: [...ofSupervisors, 'apply', 'ps', 'probes', 'load'],
  missing: () => (existsSync(join(root, 'packages/cli/dist/main.js')) ? null : 'not built: npm start, or leave --no-build out'),
  version: () => `${(JSON.parse(readFileSync(join(root, 'packages/cli/package.json'), 'utf8')) as { version: string }).version} ${revision()}`,
  lay(site) {
    const workers = names(site.n).map((name, index) => {
      // Room for every line of the flood: rotation would look like loss.
      const logs = site.lines > 0 ? { logs: { maxSize: '16MiB', maxFiles: 200 } } : {};
      return [name, { runtime: 'native', command: workerCommand(site, index), ...logs, ...site.fields?.(index) }] as const;
    });
    writeFileSync(join(site.dir, 'ostler.json'), JSON.stringify({ ostler: 1, workers: Object.fromEntries(workers) }));
  },
  command: (site) => agent('serve', site),
  foreground: (site) => agent('up', site),
  role: (one, run) => (isAgent(one.words) || isLauncher(one, run) ? 'supervisor' : 'holder'),
  loggedLines: async ({ dir }) => (await keptLines(join(dir, 'd'))) - 1,
  async end(site) {
    // In its own way first, so that it takes its cgroups away.
    const running = belonging(site).find(({ words }) => isAgent(words));
    if (running === undefined) return;
    if (running.words[2] === 'serve') {
      const [command = '', ...args] = ostlerCommand('down', '--socket', socketOf(site));
      spawnSync(command, args, { timeout: stopMs, stdio: 'ignore' });
    }
    process.kill(running.pid, 'SIGTERM');
    for (const end = performance.now() + stopMs; performance.now() < end && existsSync(`/proc/${running.pid}`); ) await pause(50);
  },
  sweep(site) {
    const id = join(dataDirOf(site), 'agent.id');
    if (!existsSync(id)) return;
    const own = readFileSync(id, 'utf8').slice(0, 8);
    for (const mount of cgroupMounts()) for (const name of [`ostler-${own}`, `ostler-holders-${own}`]) removeGroup(join(mount, name));
  },
};

/** An agent with nothing said but where its files are. */
const agent = (verb: 'up' | 'serve', site: Site): readonly string[] =>
  ostlerCommand(verb, '--config', join(site.dir, 'ostler.json'), '--data-dir', dataDirOf(site), '--socket', socketOf(site));

const isAgent = (words: readonly string[]): boolean => words[1] === bin && ['up', 'serve'].includes(words[2] ?? '');
/** The agent's own child that starts the holders; they are forked from it, bear its command line, and outlive it. */
const isLauncher = ({ words, parent }: Process, run: readonly Process[]): boolean =>
  basename(words[0] ?? '') === 'ostler-holder' && words[1] === 'launch' && run.some(({ pid, words: its }) => pid === parent && isAgent(its));

const revision = (): string => firstLine('git', '-C', root, 'describe', '--always', '--dirty');

const cgroupMounts = (): readonly string[] =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(' ')[4] ?? '');

/** Lines in the segments of the only worker's only instance: raw bytes of one holder, frames of the other. */
async function keptLines(dataDir: string): Promise<number> {
  const folders = readdirSync(dataDir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isDirectory());
  let lines = 0;
  for (const { parentPath, name } of folders) {
    const dir = join(parentPath, name);
    lines += await linesIn(filesIn(dir, /^out\.[a-z]{6,}$/));
    for (const path of filesIn(dir, /^log\.[a-z0-9]+$/)) lines += framedLines(readFileSync(path));
  }
  return lines;
}

const headerBytes = 24;
const magic = 0x3146534f;

/** The frames of a segment: a header with the length of what follows at byte 16, its kind at byte 4: 1 and 2 are output, 0 is a gap without anything. */
function framedLines(segment: Buffer): number {
  let lines = 0;
  for (let at = 0; at + headerBytes <= segment.length && segment.readUInt32LE(at) === magic; ) {
    const end = at + headerBytes + segment.readUInt32LE(at + 16);
    if (segment[at + 4] === 1 || segment[at + 4] === 2) lines += lineEnds(segment.subarray(at + headerBytes, end));
    at = segment[at + 4] === 0 ? at + headerBytes : end;
  }
  return lines;
}
