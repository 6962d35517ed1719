import type { Worker } from 'node:worker_threads';
import { storeFailure } from './failure.ts';
import type { StoreCall, ThreadMessage } from './store-call.ts';

export interface StoreThread {
  /** Rejects with the Problem that the thread told, or with a StoreFailure when the thread died. */
  readonly opened: Promise<Extract<ThreadMessage, { is: 'open' }>>;
  call(call: StoreCall): Promise<unknown>;
  /** Answered when the thread is gone and its lock with it. */
  close(): Promise<void>;
}

export interface ThreadEvents {
  readonly slowAfterMs: number;
  onSlow(slow: { readonly op: string; readonly afterMs: number }): void;
  onFull(isFull: boolean): void;
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** Calls to the store's thread and their answers, which come in the order of the calls. The thread keeps the process alive only while it works. */
export function storeThread(worker: Worker, events: ThreadEvents): StoreThread {
  const pending: Pending[] = [];
  let dead: Error | null = null;
  const opened = Promise.withResolvers<Extract<ThreadMessage, { is: 'open' }>>();
  const gone = Promise.withResolvers<void>();

  function settle(how: (call: Pending) => void): void {
    const call = pending.shift();
    if (!call) return;
    clearTimeout(call.timer);
    if (pending.length === 0) worker.unref();
    how(call);
  }

  function die(error: Error): void {
    dead ??= error;
    opened.reject(dead);
    while (pending.length > 0) settle((call) => call.reject(dead!));
  }

  worker.on('message', (message: ThreadMessage) => {
    switch (message.is) {
      case 'open':
        worker.unref();
        return opened.resolve(message);
      case 'problem':
        return opened.reject(message.problem);
      case 'answer':
        return settle((call) => call.resolve(message.value));
      case 'failure':
        return settle((call) => call.reject(storeFailure(message.failure.code, message.failure.message)));
      case 'full':
        return events.onFull(message.isFull);
    }
  });
  worker.on('error', (error) => die(storeFailure('io', `the store's thread failed: ${error.message}`, error)));
  worker.on('exit', () => {
    die(storeFailure('io', "the store's thread has ended"));
    gone.resolve();
  });

  function call(request: StoreCall): Promise<unknown> {
    if (dead) return Promise.reject(dead);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => events.onSlow({ op: request.op, afterMs: events.slowAfterMs }), events.slowAfterMs);
      timer.unref();
      worker.ref();
      pending.push({ resolve, reject, timer });
      worker.postMessage(request);
    });
  }

  return {
    opened: opened.promise,
    call,
    async close() {
      if (dead) return;
      await call({ op: 'close' });
      worker.ref();
      await gone.promise;
    },
  };
}
