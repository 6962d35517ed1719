import type { RuntimeDriver } from '@ostler/sdk';
import type { Kit } from './kit.ts';

/** Methods that a driver may leave out. */
export type Capability = { [K in keyof RuntimeDriver]-?: undefined extends RuntimeDriver[K] ? K : never }[keyof RuntimeDriver];

/** One promise of the contract, and its proof. */
export interface ConformanceCase {
  readonly id: string;
  /** The words of the contract (packages/sdk/src/runtime.ts) that it proves. */
  readonly line: string;
  /** Without this method there is nothing to prove. */
  readonly needs?: Capability;
  /** Of a whole case, its clean-up aside. 60 s if not given. */
  readonly timeoutMs?: number;
  /** Fails by throwing; {@link absent} where the runtime says that it has no such thing. */
  run(kit: Kit): Promise<void>;
}
