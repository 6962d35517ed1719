import 'reflect-metadata';
import type { Token } from '@ostler/sdk';
import { container, type DependencyContainer, instanceCachingFactory } from 'tsyringe';

/** Reads one bound value; throws for a token that nobody bound. */
export type Get = <X>(token: Token<X>) => X;

/**
 * Typed tokens bound to factories, in a container of their own. A factory runs at most once and sees only what its own level and those above
 * bind: a child's value never gets into a parent's. Only the composition root and plugin/ hold one; everything else is handed values.
 */
export interface Registrations {
  /** Throws when the token is bound already, here or above, naming both owners. */
  bind<X>(token: Token<X>, factory: (get: Get) => X, owner: string): void;
  has(token: Token<unknown>): boolean;
  readonly get: Get;
  /** One level down: what it binds, nobody else sees. */
  child(): Registrations;
  /** Tokens that can be read here, by description. */
  tokens(): readonly string[];
}

/** A root of its own; the library's global container stays empty. */
export function createRegistrations(): Registrations {
  return level(container.createChildContainer(), null);
}

interface Level extends Registrations {
  ownerOf(token: symbol): string | null;
}

function level(own: DependencyContainer, above: Level | null): Level {
  const owners = new Map<symbol, string>();
  const self: Level = {
    ownerOf: (token) => owners.get(token) ?? above?.ownerOf(token) ?? null,
    has: (token) => self.ownerOf(token) !== null,
    tokens: () => [...(above?.tokens() ?? []), ...[...owners.keys()].map((token) => token.description ?? 'unnamed')].sort(),
    bind: (token, factory, owner) => {
      const first = self.ownerOf(token);
      if (first !== null) throw new Error(`${token.description} is bound by ${first}, so ${owner} cannot bind it again`);
      owners.set(token, owner);
      // Not the container that resolves: that may be a child's, whose values would be kept here.
      own.register(token, { useFactory: instanceCachingFactory(() => factory(self.get)) });
    },
    get: <X>(token: Token<X>): X => {
      if (!self.has(token as Token<any>)) throw new Error(`${token.description ?? 'unnamed token'} is not bound`);
      return own.resolve<X>(token);
    },
    child: () => level(own.createChildContainer(), self),
  };
  return self;
}
