import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { names, workerCommand } from '../site.ts';
import { filesIn, linesIn } from './log-lines.ts';
import { ofSupervisors, type Peer } from './peer.ts';
import { debianVersion, missingPrograms, program, writeScript } from './program.ts';

/** runsvdir with an svlogd for each worker. */
export const runit: Peer = {
  name: 'runit',
  rows: ofSupervisors,
  missing: () => missingPrograms(['runsvdir', 'runsv', 'svlogd'], 'apt-get install runit, or bench/peers/install.sh'),
  version: () => debianVersion('runit'),
  lay(site) {
    names(site.n).forEach((name, index) => {
      const dir = join(site.dir, 'service', name);
      const logs = join(site.dir, 'logs', name);
      mkdirSync(join(dir, 'log'), { recursive: true });
      mkdirSync(logs, { recursive: true });
      writeScript(join(dir, 'run'), `#!/bin/sh\nexec 2>&1\nexec ${workerCommand(site, index).join(' ')}\n`);
      writeScript(join(dir, 'log', 'run'), `#!/bin/sh\nexec svlogd -tt ${logs}\n`);
      // Room for every line of the flood: rotation would look like loss.
      writeFileSync(join(logs, 'config'), 's16777216\nn200\n');
    });
  },
  command: ({ dir }) => [program('runsvdir') ?? '', join(dir, 'service')],
  role: ({ words }) => (words[0]?.endsWith('runsvdir') ? 'supervisor' : 'holder'),
  loggedLines: async ({ dir }) => (await linesIn(filesIn(join(dir, 'logs', 'w0'), /^(current|@.*\.[su])$/))) - 1,
};
