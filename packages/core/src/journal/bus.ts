/** What a reader gets: an item, or the news that it was too slow and some were dropped (they are in the store: read them there). */
export type Delivery<T> = { readonly is: 'item'; readonly item: T } | { readonly is: 'gap' };

export interface Bus<T> {
  /** To every reader, in order; never waits for one. */
  publish(items: readonly T[]): void;
  /** Hears all that is published from this call on. Ends when `signal` aborts, when the bus closes, or when the reader leaves its loop. */
  subscribe(signal: AbortSignal): AsyncIterableIterator<Delivery<T>>;
  close(): void;
}

/** `capacity`: how many items wait for a slow reader before they are dropped for it. */
export function openBus<T>(capacity = 512): Bus<T> {
  const readers = new Set<Reader<T>>();
  return {
    publish(items) {
      for (const reader of readers) for (const item of items) reader.offer(item);
    },
    subscribe(signal) {
      const reader = openReader<T>(capacity, signal, () => readers.delete(reader));
      if (!signal.aborted) readers.add(reader);
      return reader.iterator;
    },
    close() {
      for (const reader of readers) reader.end();
    },
  };
}

interface Reader<T> {
  readonly iterator: AsyncIterableIterator<Delivery<T>>;
  offer(item: T): void;
  end(): void;
}

function openReader<T>(capacity: number, signal: AbortSignal, onEnd: () => void): Reader<T> {
  let buffer: T[] = [];
  let hasGap = false;
  let hasEnded = signal.aborted;
  let wake = () => {};

  const end = () => {
    hasEnded = true;
    signal.removeEventListener('abort', end);
    onEnd();
    wake();
  };
  if (!hasEnded) signal.addEventListener('abort', end, { once: true });

  const iterator: AsyncIterableIterator<Delivery<T>> = {
    async next() {
      while (true) {
        if (hasEnded) return { done: true, value: undefined };
        if (hasGap) {
          hasGap = false;
          return { done: false, value: { is: 'gap' } };
        }
        if (buffer.length > 0) return { done: false, value: { is: 'item', item: buffer.shift()! } };
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    async return() {
      end();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => iterator,
  };

  return {
    iterator,
    end,
    offer(item) {
      // After a gap the reader asks the store, which has this item too.
      if (hasGap || hasEnded) return;
      if (buffer.length >= capacity) {
        buffer = [];
        hasGap = true;
      } else {
        buffer.push(item);
      }
      wake();
    },
  };
}
