import type { ZodType, z } from 'zod';
import type { Kinds } from './kinds.ts';
import type { RuntimeDriver } from './runtime.ts';
import type { Given, Needs } from './token.ts';

/** The version of this contract. A plugin of another number is refused by name. */
export const pluginApi = 1;

const brand = Symbol.for('@ostler/plugin');

/** LIFO, 5 s each; `onStop` also runs after a failed setup. */
export interface Life {
  onStart(run: (signal: AbortSignal) => Promise<void>): void;
  onStop(run: () => Promise<void>): void;
}

type Declares = { readonly [K in keyof Kinds]?: Readonly<Record<string, Kinds[K]['declare']>> };
type Give<K extends keyof Kinds, D> = K extends 'runtimes'
  ? D extends { readonly options: infer O extends ZodType }
    ? RuntimeDriver<z.output<O>>
    : never
  : Kinds[K]['give'];
type Gives<D> = { readonly [K in keyof D & keyof Kinds]: { readonly [N in keyof D[K]]: Give<K, D[K][N]> } };
type NoTypos<D> = { readonly [K in Exclude<keyof D, keyof Kinds>]: never };

/** What {@link definePlugin} returns: frozen, branded data, inert until core calls `setup`. */
export interface Plugin {
  readonly id: string;
  readonly api: number;
  readonly config?: ZodType | undefined;
  readonly contributes: Declares;
  readonly needs?: Needs | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: the typed signature is definePlugin's; core calls it with what `needs` names
  setup(given: any, life: Life): { readonly [K in keyof Kinds]?: Readonly<Record<string, unknown>> };
}

/**
 * Frozen, branded data; a declared name without an implementation does not compile, nor does a kind that does not exist. Extra names that
 * setup returns, and a promise, are refused when it runs. `setup()` is synchronous and does no I/O: that belongs into `life.onStart`.
 */
export function definePlugin<const D extends Declares, C extends ZodType = ZodType<Record<never, never>>, N extends Needs = Record<never, never>>(plugin: {
  readonly id: string;
  readonly api: 1;
  readonly config?: C;
  readonly contributes: D & NoTypos<D>;
  readonly needs?: N & { readonly config?: never };
  setup(given: { readonly config: z.output<C> } & Given<N>, life: Life): Gives<D>;
}): Plugin {
  const data = { ...plugin };
  Object.defineProperty(data, brand, { value: pluginApi, enumerable: false });
  return Object.freeze(data) as unknown as Plugin;
}

/** True for what {@link definePlugin} made, in any copy of this package. The api number is for the caller to compare. */
export function isPlugin(value: unknown): value is Plugin {
  return typeof value === 'object' && value !== null && typeof (value as Record<symbol, unknown>)[brand] === 'number';
}
