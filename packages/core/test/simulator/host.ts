import type { Behaviour } from './engine.ts';
import type { Random } from './random.ts';

/** A worker as the simulated host file has it. */
export interface Declared {
  readonly name: string;
  readonly runtime: 'docker' | 'native';
  readonly kind: 'service' | 'job';
  readonly dependsOn: readonly { readonly worker: string; readonly is: 'healthy' | 'started' | 'completed' | 'ended' }[];
}

/** 3 to 12 workers; each may depend on some before it, so that there is no circle. */
export function someHost(random: Random): { readonly workers: readonly Declared[]; readonly behaviours: ReadonlyMap<string, Behaviour> } {
  const workers: Declared[] = [];
  const behaviours = new Map<string, Behaviour>();
  const count = 3 + random.int(10);
  for (let index = 0; index < count; index++) {
    const kind = random.chance(0.2) ? 'job' : 'service';
    const before = workers.filter(() => random.chance(Math.min(0.5, 1.5 / (index + 1))));
    const dependsOn = before.map(({ name, kind: its }) => ({
      worker: name,
      is: its === 'job' ? random.pick(['completed', 'ended'] as const) : random.pick(['healthy', 'started'] as const),
    }));
    const name = `w${index}`;
    workers.push({ name, runtime: random.chance(0.6) ? 'docker' : 'native', kind, dependsOn });
    const afterMs = 10 ** (1 + random.next() * 4);
    const crashes = kind === 'job' || random.chance(0.3);
    const exit = crashes ? { afterMs, code: kind === 'job' && random.chance(0.7) ? 0 : random.int(3) } : null;
    behaviours.set(name, { exit, failsToStart: random.chance(0.1), ignoresSignals: random.chance(0.1) });
  }
  return { workers, behaviours };
}
