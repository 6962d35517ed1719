import { once } from 'node:events';
import { problemOf, problemText } from './failure.ts';

/** A line of the result. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** The result as one JSON document. */
export function sayJson(document: unknown): void {
  process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
}

/** One line of a JSON stream. */
export function sayRecord(record: unknown): void {
  process.stdout.write(`${JSON.stringify(record)}\n`);
}

/** A note beside the result; not with `--quiet`. */
export function note(line: string, options: { readonly quiet?: boolean | undefined }): void {
  if (!options.quiet) process.stderr.write(`${line}\n`);
}

/** Says what went wrong and answers the exit code. `isStream`: with `--json` as one more line, as everything before it. */
export function sayFailure(error: unknown, options: { readonly json?: boolean | undefined }, isStream = false): number {
  const problem = problemOf(error);
  if (options.json && isStream) sayRecord({ type: 'problem', cursor: null, version: 1, error: problem });
  else if (options.json) sayJson({ version: 1, error: problem });
  else process.stderr.write(`${problemText(problem)}\n`);
  return problem.exitCode;
}

/** Writes to stdout and waits for a slow reader, so that a stream is not piled up in memory. */
export async function write(bytes: Uint8Array | string): Promise<void> {
  const out = process.stdout;
  // A reader that has gone is dealt with where the errors of stdout are.
  if (!out.destroyed && !out.write(bytes)) await once(out, 'drain').catch(() => {});
}

/** Aborts on Ctrl-C and SIGTERM; a second one ends the process at once. `end` takes the handlers away. */
export function untilInterrupted(): { readonly signal: AbortSignal; end(): void } {
  const controller = new AbortController();
  // Handlers that stay: what gives the cursor back on a signal would otherwise take itself for the last one, and end the process.
  const abort = (): void => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
  };
  process.on('SIGINT', abort);
  process.on('SIGTERM', abort);
  return {
    signal: controller.signal,
    end: () => {
      process.off('SIGINT', abort);
      process.off('SIGTERM', abort);
    },
  };
}
