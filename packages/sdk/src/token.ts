declare const given: unique symbol;

/** A typed name of a service. Equal across copies of a package, since it is a registered symbol: `Symbol.for('@ostler/sdk/Logger/v1')`. */
export type Token<X> = symbol & { readonly [given]?: (x: X) => X };

/** `id` carries a version: `'@scope/package/Name/v1'`. */
export const token = <X>(id: string): Token<X> => Symbol.for(id) as Token<X>;

// biome-ignore lint/suspicious/noExplicitAny: Token is invariant, so only `any` admits every token
export type Needs = Readonly<Record<string, Token<any>>>;
export type Given<N extends Needs> = { readonly [K in keyof N]: N[K] extends Token<infer X> ? X : never };
