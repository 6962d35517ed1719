import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildHolder } from '../scripts/build-holder.mjs';
import { build } from '../scripts/install.mjs';
import { runChaos } from './chaos.ts';
import { closeSite, openSite, type Site } from './site.ts';

const abilities = JSON.parse(process.env['OSTLER_ABILITIES'] ?? '{}') as Readonly<Record<string, string | null>>;
const isHere = process.platform === 'linux' && abilities['cc'] === null;

let site: Site | undefined;
beforeAll(() => {
  if (!isHere) return;
  buildHolder();
  build('ostler...');
}, 300_000);
afterAll(() => {
  if (site !== undefined) closeSite(site, false);
}, 60_000);

test.skipIf(!isHere)(
  'over 20 s of faults on real processes twelve workers are kept as they are wished, as seen from outside',
  { timeout: 240_000 },
  async () => {
    site = openSite();
    const { violations, summary, faults, agents } = await runChaos({ seed: 5, workers: 12, ms: 20_000, site, progress: () => {} });
    expect(violations).toEqual([]);
    expect(faults.size).toBeGreaterThan(6);
    expect(agents).toBeGreaterThan(1);
    expect(summary?.restarts).toBeGreaterThan(20);
    expect(summary?.judgedDeaths).toBe(summary?.starts);
    const mounts = site.disk === null ? '' : spawnSync('umount', [site.disk], { encoding: 'utf8' }).stderr;
    // Nobody has a file of the data directory open any more.
    expect(mounts).toBe('');
  },
);
