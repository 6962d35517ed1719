import { kindNames } from '@ostler/sdk';
import { nearest } from '../spec/index.ts';

/**
 * What is wrong with the data of a plugin, or null. The compiler says the same to who writes TypeScript; one in JavaScript would else fail later, in
 * a place that does not name it.
 */
export function malformed(plugin: object): string | null {
  const { id, contributes, setup } = plugin as { readonly id?: unknown; readonly contributes?: unknown; readonly setup?: unknown };
  if (typeof id !== 'string' || !/[A-Za-z0-9]/.test(id)) return 'it has no id (expected a text with letters or digits)';
  if (typeof setup !== 'function') return 'its setup is no function';
  if (typeof contributes !== 'object' || contributes === null) return 'it does not say what it contributes (expected an object, `{}` for nothing)';
  for (const [kind, names] of Object.entries(contributes)) {
    if (!(kindNames as readonly string[]).includes(kind)) {
      const meant = nearest(kind, kindNames);
      return `it contributes \`${kind}\`, which is no kind of contribution${meant === null ? `; there is ${kindNames.join(', ')}` : `; did you mean \`${meant}\`?`}`;
    }
    if (names === undefined) continue;
    if (typeof names !== 'object' || names === null) return `its \`${kind}\` is no map of names`;
    for (const [name, declared] of Object.entries(names)) {
      const wrong = kind === 'runtimes' ? wrongRuntime(declared) : typeof declared === 'object' && declared !== null ? null : 'is not declared by an object';
      if (wrong !== null) return `its ${kind}.${name} ${wrong}`;
    }
  }
  return null;
}

const classes: readonly unknown[] = ['container', 'process', 'cluster'];

function wrongRuntime(declared: unknown): string | null {
  const { class: own, options } = (declared ?? {}) as { readonly class?: unknown; readonly options?: { readonly safeParse?: unknown } };
  if (!classes.includes(own)) return `has no class that is known (expected ${classes.join(', ')})`;
  return typeof options?.safeParse === 'function' ? null : 'has no schema of its options (expected a zod schema)';
}
