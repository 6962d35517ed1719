import { fileURLToPath } from 'node:url';

/** argv of the probe worker: append a mode of fixtures/probe-worker.mjs and its arguments. */
export function probeCommand(...words: readonly string[]): readonly string[] {
  return [process.execPath, fileURLToPath(new URL('../fixtures/probe-worker.mjs', import.meta.url)), ...words];
}
