import type { Finding, RuntimeDriver } from '@ostler/sdk';
import type { Normal } from './normalise.ts';

/** A runtime of this host, as far as its capabilities go: that a method is there IS the capability. */
export interface Capable {
  readonly name: string;
  readonly driver: Pick<RuntimeDriver, 'notified' | 'stats'>;
}

interface Need {
  readonly field: string;
  readonly method: keyof Capable['driver'];
  /** What a runtime without the method does not do. */
  readonly lacks: string;
  readonly else: string;
  isOf(normal: Pick<Normal, 'spec' | 'rules'>): boolean;
}

const needs: readonly Need[] = [
  {
    ...{ field: 'health.notify', method: 'notified', lacks: 'does not hear sd_notify(3)', else: 'another probe' },
    isOf: ({ spec }) => spec.notify !== null,
  },
  {
    ...{ field: 'restart.memoryAbove', method: 'stats', lacks: 'does not tell how much memory a worker uses', else: '`limits: { memory }`' },
    isOf: ({ rules }) => rules.restart.memoryAboveBytes !== null,
  },
];

/** What a worker asks for that the driver of its runtime has no method for. `all`: the runtimes of this host, of which those that can are named. */
export function unable(normal: Pick<Normal, 'spec' | 'rules'>, { name, driver }: Capable, all: readonly Capable[]): readonly Finding[] {
  return needs.flatMap((need): readonly Finding[] => {
    const { field, method, lacks } = need;
    if (!need.isOf(normal) || driver[method] !== undefined) return [];
    const can = all.filter((one) => one.driver[method] !== undefined).map((one) => one.name);
    const others = can.length === 0 ? 'nor does any other runtime of this host' : `of the runtimes of this host, ${can.sort().join(' and ')} can`;
    const text = `${field} is not something that the ${name} runtime can honour: it ${lacks}; ${others}. Use one that can, or ${need.else}`;
    return [{ level: 'refused', field, text }];
  });
}
