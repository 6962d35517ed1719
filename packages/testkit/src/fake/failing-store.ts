import type { Store, StoreFailure, StoreFailureCode } from '@ostler/core';

/** Levers of a {@link failingStore}. */
export interface StoreFaults {
  /** The next commit fails with this code; nothing of it is true. */
  failNext(code: StoreFailureCode): void;
  /** Every commit fails with `full`, until `full(false)`. */
  full(isFull?: boolean): void;
  /** Each commit waits so long first. 0 = no more. */
  slow(ms: number): void;
  /** The agent dies at the commit after the next `commits`: that one and all later calls never settle. `isDone`: it still reaches the disk. */
  dieAfter(commits: number, isDone?: boolean): void;
  /** Resolves at that death. */
  readonly died: Promise<void>;
}

// core's own brand (packages/core/src/store/failure.ts): a registered symbol, so that isStoreFailure() knows what is made here
const brand = Symbol.for('@ostler/core/StoreFailure/v1');

function storeFailure(code: StoreFailureCode): Error & StoreFailure {
  const error = Object.assign(new Error(`a planted store failure: ${code}`), { code });
  error.name = 'StoreFailure';
  Object.defineProperty(error, brand, { value: true, enumerable: false });
  return error;
}

/** Lays faults over any store. `sleep` waits for `slow`; give the fake clock's in a simulation. */
export function failingStore(
  store: Store,
  sleep: (ms: number) => Promise<void> = (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
): Store & StoreFaults {
  let next: StoreFailureCode | null = null;
  let isFull = false;
  let slowMs = 0;
  let left = Number.POSITIVE_INFINITY;
  let isDone = false;
  let isDead = false;
  let die = (): void => {};
  const died = new Promise<void>((resolve) => {
    die = resolve;
  });
  const never = <X>(): Promise<X> => new Promise(() => {});
  const alive = <X>(work: () => Promise<X>): Promise<X> => (isDead ? never() : work());

  return {
    path: store.path,
    setAside: store.setAside,
    load: () => alive(() => store.load()),
    journal: (query) => alive(() => store.journal(query)),
    trimJournal: (keep, before) => alive(() => store.trimJournal(keep, before)),
    close: () => alive(() => store.close()),
    commit: (batch) =>
      alive(async () => {
        if (slowMs > 0) await sleep(slowMs);
        if (isDead) return never();
        if (left === 0) {
          isDead = true;
          if (isDone) await store.commit(batch);
          die();
          return never();
        }
        left -= 1;
        const code = next ?? (isFull ? 'full' : null);
        next = null;
        if (code !== null) throw storeFailure(code);
        return store.commit(batch);
      }),
    failNext: (code) => {
      next = code;
    },
    full: (full = true) => {
      isFull = full;
    },
    slow: (ms) => {
      slowMs = ms;
    },
    dieAfter: (commits, done = false) => {
      left = commits;
      isDone = done;
    },
    died,
  };
}
