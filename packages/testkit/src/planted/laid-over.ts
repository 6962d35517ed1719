import type { RuntimeDriver } from '@ostler/sdk';

/** The driver with some methods replaced. Methods of the original keep their own `this`. */
export function laidOver(driver: RuntimeDriver, over: Partial<RuntimeDriver>): RuntimeDriver {
  return new Proxy(driver, {
    get: (inner, name: keyof RuntimeDriver) => {
      if (name in over) return over[name];
      const value = inner[name];
      return typeof value === 'function' ? (value as (...given: unknown[]) => unknown).bind(inner) : value;
    },
  });
}
