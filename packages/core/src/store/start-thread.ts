import { Worker } from 'node:worker_threads';

/**
 * The store's thread, at nothing yet: what it opens is told to it as its first message. Started early it loads while the agent does; alone it does
 * not keep the process alive.
 */
export function startStoreThread(): Worker {
  const worker = new Worker(threadUrl(), {
    name: 'ostler-store',
    // Node 22 calls node:sqlite experimental, on stderr. Nothing else of the agent's own flags concerns this thread.
    execArgv: ['--disable-warning=ExperimentalWarning'],
    env: {},
    // What it makes is read and gone at once; the usual would let 48 MiB of it gather.
    resourceLimits: { maxYoungGenerationSizeMb: 4 },
  });
  worker.unref();
  return worker;
}

/** Beside this file: `.ts` in the checkout, `.js` in a build. Compilers rewrite imports, not URLs. */
function threadUrl(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './store-thread.ts' : './store-thread.js', import.meta.url);
}
