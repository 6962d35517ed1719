import type { Finding, RuntimeDriver, WorkerSpec } from '@ostler/sdk';

/** A runtime of this host, as far as its capabilities go: that a method is there IS the capability. */
export interface Capable {
  readonly name: string;
  readonly driver: Pick<RuntimeDriver, 'notified'>;
}

/** What a worker asks for that the driver of its runtime has no method for. `all`: the runtimes of this host, of which those that can are named. */
export function unable(spec: WorkerSpec, { name, driver }: Capable, all: readonly Capable[]): readonly Finding[] {
  if (spec.notify === null || driver.notified !== undefined) return [];
  const can = all.filter((one) => one.driver.notified !== undefined).map((one) => one.name);
  const others = can.length === 0 ? 'nor does any other runtime of this host' : `of the runtimes of this host, ${can.sort().join(' and ')} can`;
  const text = `health.notify is not something that the ${name} runtime can honour: it does not hear sd_notify(3); ${others}. Use one that can, or another probe`;
  return [{ level: 'refused', field: 'health.notify', text }];
}
