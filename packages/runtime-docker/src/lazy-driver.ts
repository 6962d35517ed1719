import type { RuntimeDriver } from '@ostler/sdk';
import type { ContainerOptions } from './config.ts';
import { checkContainer } from './container/check.ts';
import type { ContainerDriver, ContainerDriverGiven } from './driver.ts';

/** Loaded with the first call: a host that runs no containers, or on one of the two engines only, pays for nothing. */
export function lazyDriver(given: ContainerDriverGiven): ContainerDriver {
  let made: Promise<ContainerDriver> | null = null;
  const driver = (): Promise<ContainerDriver> => {
    made ??= import('./driver.ts').then(({ containerDriver }) => containerDriver(given));
    return made;
  };
  const driving: RuntimeDriver<ContainerOptions> = {
    restarts: 'agent',
    check: (spec, facts) => checkContainer(spec, facts, given.flavour),
    ping: async (...by) => (await driver()).ping(...by),
    facts: async (...by) => (await driver()).facts(...by),
    resolve: async (...by) => (await driver()).resolve(...by),
    prepare: async (...by) => (await driver()).prepare(...by),
    start: async (...by) => (await driver()).start(...by),
    inspect: async (...by) => (await driver()).inspect(...by),
    list: async (...by) => (await driver()).list(...by),
    stop: async (...by) => (await driver()).stop(...by),
    remove: async (...by) => (await driver()).remove(...by),
    async *watch(...by) {
      yield* (await driver()).watch(...by);
    },
    async *logs(...by) {
      yield* (await driver()).logs(...by);
    },
    close: async () => (await made)?.close(),
  };
  return {
    ...driving,
    signal: async (...by) => (await driver()).signal(...by),
    exec: async (...by) => (await driver()).exec(...by),
    stats: async (...by) => (await driver()).stats(...by),
    deliver: async (...by) => (await driver()).deliver(...by),
    collect: async (...by) => (await driver()).collect(...by),
  };
}
