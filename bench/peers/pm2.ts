import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { names, workerCommand } from '../site.ts';
import { linesIn } from './log-lines.ts';
import { ofSupervisors, type Peer } from './peer.ts';
import { installed } from './program.ts';

const folder = join(installed, 'node_modules', 'pm2');
const bin = join(folder, 'bin', 'pm2');

/** pm2 with its own daemon and its log files, run by the Node that runs the bench. */
export const pm2: Peer = {
  name: 'pm2',
  rows: ofSupervisors,
  missing: () => (existsSync(bin) ? null : 'pm2 not found: bench/peers/install.sh puts it into bench/.peers'),
  version: () => String((JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }).version),
  lay(site) {
    mkdirSync(join(site.dir, 'logs'));
    const apps = names(site.n).map((name, index) => {
      const [script, ...args] = workerCommand(site, index);
      const log = join(site.dir, 'logs', `${name}.log`);
      // Neither git nor its metrics module is asked about a worker: both would only slow it down.
      return { name, script, args, interpreter: 'none', exec_mode: 'fork', autorestart: true, vizion: false, pmx: false, out_file: log, error_file: log };
    });
    writeFileSync(join(site.dir, 'ecosystem.config.json'), JSON.stringify({ apps }));
  },
  command: ({ dir }) => [process.execPath, bin, 'start', join(dir, 'ecosystem.config.json')],
  // It asks nobody for a newer version.
  environment: ({ dir }) => ({ PM2_HOME: join(dir, 'home'), PM2_DISABLE_VERSION_CHECK: 'true', PM2_DISCRETE_MODE: 'true' }),
  role: ({ words }) => (words.join(' ').includes('God Daemon') ? 'supervisor' : null),
  loggedLines: async ({ dir }) => (existsSync(join(dir, 'logs', 'w0.log')) ? (await linesIn([join(dir, 'logs', 'w0.log')])) - 1 : 0),
};
