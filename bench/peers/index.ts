import { floors } from './floors.ts';
import { ostler } from './ostler.ts';
import type { Peer } from './peer.ts';
import { pm2 } from './pm2.ts';
import { runit } from './runit.ts';
import { s6 } from './s6.ts';
import { supervisord } from './supervisord.ts';
import { systemd } from './systemd.ts';

/** All, in the order of the table. `base`: where the floors are built. */
export const peers = (base: string): readonly Peer[] => [ostler, s6, runit, systemd, supervisord, pm2, ...floors(base)];
