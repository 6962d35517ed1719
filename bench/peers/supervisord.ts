import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { names, workerCommand } from '../site.ts';
import { linesIn } from './log-lines.ts';
import { ofSupervisors, type Peer } from './peer.ts';
import { firstLine, installed, program } from './program.ts';

const supervisordPath = (): string | null => program('supervisord', [join(installed, 'venv', 'bin')]);

/** supervisord with a log file for each worker, which it writes itself. */
export const supervisord: Peer = {
  name: 'supervisord',
  rows: ofSupervisors,
  missing: () => (supervisordPath() === null ? 'supervisord not found: pip install supervisor, or bench/peers/install.sh' : null),
  version: () => firstLine(supervisordPath() ?? '', '--version'),
  lay(site) {
    const { dir } = site;
    mkdirSync(join(dir, 'logs'));
    const programs = names(site.n).map((name, index) =>
      [
        `[program:${name}]`,
        `command=${workerCommand(site, index).join(' ')}`,
        'autorestart=true',
        'redirect_stderr=true',
        `stdout_logfile=${join(dir, 'logs', `${name}.log`)}`,
        // No rotation: it would look like loss.
        'stdout_logfile_maxbytes=0',
      ].join('\n'),
    );
    const own = ['[supervisord]', `logfile=${join(dir, 'supervisord.log')}`, `pidfile=${join(dir, 'supervisord.pid')}`, `childlogdir=${dir}`, 'minfds=8192'];
    const control = ['[unix_http_server]', `file=${join(dir, 's')}`];
    const rpc = ['[rpcinterface:supervisor]', 'supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface'];
    writeFileSync(join(dir, 'supervisord.conf'), `${[own, control, rpc].map((lines) => lines.join('\n')).join('\n')}\n${programs.join('\n')}\n`);
  },
  command: ({ dir }) => [supervisordPath() ?? '', '-n', '-c', join(dir, 'supervisord.conf')],
  role: ({ words }) => (words.some((word) => word.endsWith('supervisord')) ? 'supervisor' : null),
  loggedLines: async ({ dir }) => (existsSync(join(dir, 'logs', 'w0.log')) ? (await linesIn([join(dir, 'logs', 'w0.log')])) - 1 : 0),
};
