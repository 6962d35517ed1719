import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Artifact, runtimeFailure } from '@ostler/sdk';

/**
 * The digest of the input files' content. The program that runs them is left out: an upgrade of the system must not restart a worker.
 * Throws `not-found` for a file that cannot be read.
 */
export async function artifactOf(files: readonly string[], baseDir: string, signal: AbortSignal): Promise<Artifact> {
  const inputs: Record<string, string> = {};
  for (const file of [...files].sort()) {
    const hash = createHash('sha256');
    try {
      await pipeline(createReadStream(resolve(baseDir, file)), hash, { signal });
    } catch (error) {
      const code = signal.aborted ? 'aborted' : 'not-found';
      throw runtimeFailure({ code, outcome: 'no', retryable: signal.aborted, message: `the input file ${file} cannot be read: ${(error as Error).message}` });
    }
    inputs[file] = `sha256:${hash.digest('hex')}`;
  }
  return { digest: `sha256:${createHash('sha256').update(JSON.stringify(inputs)).digest('hex')}`, inputs, data: null };
}
