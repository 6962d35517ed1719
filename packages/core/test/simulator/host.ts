import type { Json } from '@ostler/sdk';
import { portOf } from './addresses.ts';
import type { Random } from './random.ts';
import type { Behaviour } from './real.ts';

/** A worker as the simulated host file has it. */
export interface Declared {
  readonly name: string;
  readonly written: Json & {
    readonly runtime: string | readonly string[];
    readonly networkMode?: string;
    readonly ports?: readonly { readonly port: number }[];
    readonly dependsOn: Readonly<Record<string, { readonly is: string }>>;
  };
}

/** The one line that the hosts of stories have, whatever is written: it is due so often. */
export const dueEveryMs = 20_000;

type Kind = 'service' | 'job' | 'cron';

/** 3 to 12 workers; each may depend on some before it, so that there is no circle. */
export function someHost(random: Random): { readonly workers: readonly Declared[]; readonly behaviours: ReadonlyMap<string, Behaviour> } {
  const workers: (Declared & { readonly kind: Kind })[] = [];
  const behaviours = new Map<string, Behaviour>();
  const count = 3 + random.int(10);
  for (let index = 0; index < count; index++) {
    const name = `w${index}`;
    const kind: Kind = random.rarely(0.12) ? 'cron' : random.chance(0.2) ? 'job' : 'service';
    const before = workers.filter((one) => one.kind !== 'cron' && random.chance(Math.min(0.5, 1.5 / (index + 1))));
    const dependsOn = Object.fromEntries(before.map((one) => [one.name, dependency(one.kind, random)]));
    const priority = random.chance(0.2) ? { priority: random.int(1000) } : {};
    const secrets = { env: { TOKEN: 'file:/host/token' } };
    const runtime = random.chance(0.6) ? 'docker' : 'native';
    const own = { runtime, ...(runtime === 'docker' ? sharing(workers, random) : {}) };
    // Of UDP: whether one of TCP is free is tried on this very host when it is planned.
    const ports = [{ port: portOf(name), protocol: 'udp' }];
    const stop = random.chance(0.4) ? { stop: { grace: '4s' } } : {};
    const written = { ...own, command: ['run'], ports, secrets, ...kindly(kind, random), ...priority, ...stop, dependsOn };
    workers.push({ name, kind, written });
    behaviours.set(name, someBehaviour(kind, random));
  }
  return { workers, behaviours };
}

/** Now and then the network of another container, which has its own. */
function sharing(before: readonly (Declared & { readonly kind: Kind })[], random: Random) {
  const owners = before.filter(({ kind, written }) => kind === 'service' && written.runtime === 'docker' && written.networkMode === undefined);
  return owners.length > 0 && random.chance(0.12) ? { networkMode: `worker:${random.pick(owners).name}` } : {};
}

function dependency(its: Kind, random: Random) {
  const is = its === 'job' ? random.pick(['completed', 'ended']) : random.pick(['healthy', 'started']);
  const optional = random.chance(0.08) ? { optional: true } : {};
  return { is, ...optional, ...(random.chance(0.15) ? { restartWithIt: true } : {}), ...(random.chance(0.1) ? { stopWithIt: true } : {}) };
}

function kindly(kind: Kind, random: Random) {
  const timeout = random.chance(0.4) ? { timeout: '20s' } : {};
  if (kind === 'cron')
    return {
      schedule: { cron: '* * * * *', timezone: 'UTC', overlap: random.pick(['skip', 'queue', 'replace']), missed: random.pick(['skip', 'once']), ...timeout },
    };
  if (kind === 'job') return { kind, restart: somePolicy(random) };
  return {
    health: { minUp: '2s', onUnhealthy: random.pick(['restart', 'restart', 'restart', 'report', 'stop', 'signal', { signal: 'SIGUSR1' }]) },
    restart: { ...somePolicy(random), ...(random.chance(0.2) ? { giveUp: 2 } : {}), ...(random.chance(0.2) ? { resetAfter: '5s' } : {}), ...renewal(random) },
  };
}

/** Mostly what its kind has by itself. */
function somePolicy(random: Random) {
  return {
    ...(random.chance(0.25) ? { policy: random.pick(['never', 'on-failure', 'on-success']) } : {}),
    ...(random.chance(0.2) ? { successCodes: random.pick([[0, 2], [1]]) } : {}),
    ...(random.chance(0.15) ? { backoff: random.pick([{ first: '500ms' }, { min: '3s', max: '9s', factor: 3 }, { jitter: 0 }]) } : {}),
  };
}

function renewal(random: Random) {
  return {
    ...(random.chance(0.1) ? { maxAge: '1m' } : {}),
    ...(random.chance(0.1) ? { memoryAbove: '1GiB' } : {}),
    ...(random.chance(0.1) ? { at: '* * * * *' } : {}),
  };
}

function someBehaviour(kind: Kind, random: Random): Behaviour {
  const afterMs = 10 ** (1 + random.next() * 4);
  const crashes = kind !== 'service' || random.chance(0.3);
  const exit = crashes ? { afterMs, code: kind !== 'service' && random.chance(0.7) ? 0 : random.int(3) } : null;
  return {
    exit,
    failsToPrepare: random.rarely(0.1),
    failsToStart: random.rarely(0.1),
    ignoresSignals: random.chance(0.1),
    losesStarts: random.rarely(0.05),
    refusesStops: random.rarely(0.05),
    isChecked: random.chance(0.3),
    isGreedy: random.chance(0.4),
  };
}
