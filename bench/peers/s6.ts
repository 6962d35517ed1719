import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { names, workerCommand } from '../site.ts';
import { filesIn, linesIn } from './log-lines.ts';
import { ofSupervisors, type Peer } from './peer.ts';
import { debianVersion, missingPrograms, program, writeScript } from './program.ts';

/** s6-svscan with an s6-log for each worker, scripts in execline as its own documents have them. */
export const s6: Peer = {
  name: 's6',
  rows: ofSupervisors,
  missing: () => missingPrograms(['s6-svscan', 's6-log', 'execlineb'], 'apt-get install s6, or bench/peers/install.sh'),
  version: () => debianVersion('s6'),
  lay(site) {
    const execline = `#!${program('execlineb')} -P\n`;
    names(site.n).forEach((name, index) => {
      const dir = join(site.dir, 'scan', name);
      mkdirSync(join(dir, 'log'), { recursive: true });
      mkdirSync(join(site.dir, 'logs', name), { recursive: true });
      writeScript(join(dir, 'run'), `${execline}fdmove -c 2 1\n${workerCommand(site, index).join(' ')}\n`);
      // Room for every line of the flood: rotation would look like loss.
      writeScript(join(dir, 'log', 'run'), `${execline}s6-log t n200 s16777216 ${join(site.dir, 'logs', name)}\n`);
    });
  },
  command: ({ dir, n }) => [program('s6-svscan') ?? '', '-c', String(Math.max(100, 2 * n)), join(dir, 'scan')],
  role: ({ words }) => (words[0]?.endsWith('s6-svscan') ? 'supervisor' : 'holder'),
  loggedLines: async ({ dir }) => (await linesIn(filesIn(join(dir, 'logs', 'w0'), /^(current|@.*\.[su])$/))) - 1,
};
