import type { Random } from '../packages/core/test/simulator/random.ts';
import type { Site } from './site.ts';

/** How a dependent waits for a worker. */
export type Rule = 'started' | 'healthy' | 'completed';

/** One worker of the host as the chaos run lays it out; what the file says of it, and what can be expected of it. */
export interface Member {
  readonly index: number;
  readonly name: string;
  readonly kind: 'service' | 'job';
  readonly probe: 'none' | 'exec' | 'notify' | 'watchdog';
  /** Until it is ready; `null`: nobody asks. */
  readonly readyMs: number | null;
  /** After which it ends by itself with `code`; 0 = never. */
  readonly livesMs: number;
  readonly code: number;
  /** SIGTERM does not end it. */
  readonly isStubborn: boolean;
  readonly dependsOn: ReadonlyMap<number, Rule>;
}
export type Fleet = readonly Member[];

/** What differs from one host file to the next. */
export interface Edition {
  /** Index -> which variant of its command is wanted. */
  readonly variants: ReadonlyMap<number, number>;
  /** Not in the file. */
  readonly removed: ReadonlySet<number>;
}

/** Without a probe a worker is healthy when it was up for so long. */
export const minUpMs = 300;
/** The longest pause between two starts, without jitter. */
export const longestBackoffMs = 2000;
const levels = 4;

/** Workers in a graph of dependencies, some with probes, some that crash by themselves, some jobs. */
export function someFleet(count: number, random: Random): Fleet {
  const fleet: Member[] = [];
  const perLevel = Math.max(1, Math.ceil(count / levels));
  for (let index = 0; index < count; index++) {
    const level = Math.floor(index / perLevel);
    const below = fleet.filter((one) => Math.floor(one.index / perLevel) < level);
    const right = below.filter((one) => Math.floor(one.index / perLevel) === level - 1);
    const chosen = level === 0 ? [] : [random.pick(right), ...Array.from({ length: random.int(3) }, () => random.pick(below))];
    fleet.push({ ...someKind(index, random), index, name: nameOf(index), dependsOn: new Map(chosen.map((one) => [one.index, ruleFor(one, random)])) });
  }
  return fleet;
}

const nameOf = (index: number): string => `w${String(index).padStart(2, '0')}`;

function someKind(index: number, random: Random): Omit<Member, 'index' | 'name' | 'dependsOn'> {
  const plain = { kind: 'service', probe: 'none', readyMs: null, livesMs: 0, code: 0, isStubborn: random.chance(0.1) } as const;
  const readyMs = 50 + random.int(800);
  // By turns, so that a small fleet has each kind too.
  switch (index % 10) {
    case 1:
    case 6:
      return { ...plain, probe: 'exec', readyMs };
    case 2:
    case 7:
      return { ...plain, probe: 'notify', readyMs };
    case 3:
      return { ...plain, probe: 'watchdog', readyMs };
    case 4:
      return { ...plain, livesMs: 1000 + random.int(4000), code: 1 + random.int(3) };
    case 5:
      return { ...plain, kind: 'job', livesMs: 200 + random.int(800) };
    default:
      return plain;
  }
}

function ruleFor(on: Member, random: Random): Rule {
  if (on.kind === 'job') return 'completed';
  if (on.livesMs > 0) return 'started';
  return on.probe === 'none' && random.chance(0.5) ? 'started' : 'healthy';
}

/** Those that nobody depends on. */
export const leavesOf = (fleet: Fleet): Fleet => fleet.filter(({ index }) => !fleet.some(({ dependsOn }) => dependsOn.has(index)));

/** The host file, as JSON. */
export function hostFileOf(fleet: Fleet, { variants, removed }: Edition, { worker, place }: Site): string {
  const workers = fleet
    .filter(({ index }) => !removed.has(index))
    .map((one) => {
      const { index, name, kind, readyMs, livesMs, code, isStubborn, dependsOn } = one;
      const words = [worker, place, index, variants.get(index) ?? 0, readyMs ?? -1, livesMs, code, isStubborn ? 1 : 0].map(String);
      const restart = { backoff: { first: '0s', min: '100ms', max: `${longestBackoffMs}ms` }, ...(kind === 'job' ? { giveUp: false } : {}) };
      const fields = {
        ...{ runtime: 'native', kind, command: words, restart, health: healthOf(one, place), stop: { grace: '1s' }, logs: { maxSize: '64KiB', maxFiles: 2 } },
        dependsOn: Object.fromEntries([...dependsOn].map(([on, rule]) => [nameOf(on), rule])),
      };
      return [name, fields] as const;
    });
  return JSON.stringify({ ostler: 1, host: 'chaos', workers: Object.fromEntries(workers) }, null, 1);
}

/** Long enough for a machine that has other work: an answer that is late must not look like a worker that is not well. */
const patient = { startPeriod: '8s', retries: 5 };

function healthOf({ probe }: Member, place: string): object {
  switch (probe) {
    case 'none':
      return { minUp: `${minUpMs}ms` };
    case 'exec':
      return { exec: ['sh', '-c', `test -e ${place}/ready/$$OSTLER_INSTANCE`], interval: '2s', startInterval: '200ms', timeout: '2s', ...patient };
    case 'notify':
      return { notify: true, interval: '1s', ...patient };
    case 'watchdog':
      return { notify: { watchdog: '2s' }, interval: '500ms', timeout: '500ms', startPeriod: '8s', retries: 2 };
  }
}
