import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { names, type Site, workerCommand } from '../site.ts';
import { removeGroup } from './cgroup.ts';
import type { Peer } from './peer.ts';
import { firstLine, missingPrograms } from './program.ts';

const script = fileURLToPath(new URL('./systemd-boot.sh', import.meta.url));
const path = '/lib/systemd/systemd';
const bootMs = 60_000;

/** The machine's systemd as process 1 of a throw-away system, with journald. It is up before the clock starts, as it is on any host. */
export const systemd: Peer = {
  name: 'systemd',
  rows: ['start', 'crash', 'at-once', 'memory', 'idle', 'log'],
  note: 'its own start is not counted (process 1); RestartSec=0',
  missing() {
    if (process.getuid?.() !== 0) return 'left out: booting it on a throw-away overlay needs root';
    return existsSync(path)
      ? missingPrograms(['unshare', 'nsenter', 'journalctl', 'setsid'], 'apt-get install systemd util-linux')
      : `${path} not found: apt-get install systemd`;
  },
  version: () => firstLine(path, '--version'),
  lay(site) {
    const units = join(site.dir, 'units');
    mkdirSync(units);
    const all = names(site.n).map((name) => `${name}.service`);
    all.forEach((unit, index) => {
      const service = ['[Service]', `ExecStart=${workerCommand(site, index).join(' ')}`, 'Restart=always', 'RestartSec=0', 'StandardOutput=journal'];
      writeFileSync(join(units, unit), `${service.join('\n')}\n`);
    });
    mkdirSync(join(units, 'bench.target.wants'));
    writeFileSync(join(units, 'bench.target'), `[Unit]\nWants=${all.join(' ')}\n`);
  },
  async boot(site) {
    const { stdout, stderr, status } = spawnSync(script, [site.dir], { encoding: 'utf8', timeout: bootMs });
    if (status !== 0) throw new Error(`systemd did not boot: ${stderr.slice(-600)}`);
    writeFileSync(join(site.dir, 'init.pid'), stdout.trim());
    const end = performance.now() + bootMs;
    for (let state = ''; !['running', 'degraded'].includes(state); state = inside(site, 'systemctl', 'is-system-running')) {
      if (performance.now() > end) throw new Error(`systemd did not come up: it is ${state}`);
      await pause(100);
    }
  },
  command: (site) => ['nsenter', '-t', initOf(site), '-a', 'systemctl', 'start', '--no-block', 'bench.target'],
  role: ({ words }) => (words[0] === path || words[0] === '/lib/systemd/systemd-journald' ? 'supervisor' : null),
  async loggedLines(site) {
    inside(site, 'journalctl', '--sync');
    const count = spawnSync('nsenter', ['-t', initOf(site), '-a', 'sh', '-c', 'journalctl -q -u w0 -o cat _TRANSPORT=stdout | wc -l'], {
      encoding: 'utf8',
      timeout: 300_000,
    });
    return Number(count.stdout) - 1;
  },
  sweep(site) {
    if (!existsSync(join(site.dir, 'cgroup'))) return;
    removeGroup(readFileSync(join(site.dir, 'cgroup'), 'utf8').trim());
  },
};

const initOf = ({ dir }: Site): string => readFileSync(join(dir, 'init.pid'), 'utf8');

const inside = (site: Site, ...command: string[]): string =>
  spawnSync('nsenter', ['-t', initOf(site), '-a', ...command], { encoding: 'utf8', timeout: 30_000 }).stdout?.trim() ?? '';
