import type { OutcomeDocument } from '@ostler/core';
import { say, sayJson } from './print.ts';
import { paintFor } from './table/colour.ts';
import { workerLine } from './table/ps-table.ts';
import type { CommonOptions } from './verb.ts';

const exitCodes: Readonly<Record<OutcomeDocument['outcome'], number>> = { done: 0, failed: 1, 'not-finished': 4, 'rolled-back': 5 };
/** From good to bad: several outcomes are as good as the worst. */
const ranked: readonly OutcomeDocument['outcome'][] = ['done', 'not-finished', 'rolled-back', 'failed'];
const wellStates: ReadonlySet<string> = new Set(['healthy', 'running', 'done', 'stopped']);

/** For how long the agent waits if nothing is said. */
export const usualWaitMs = 120_000;
/** What the client gives the agent beyond that: to stop, to answer. */
export const deadlineOf = (waitMs: number): number => waitMs + 60_000;

/** Says how a change came out and answers the exit code. A change that did not succeed names the workers that are not well. */
export function sayOutcome(document: OutcomeDocument, options: CommonOptions): number {
  const exitCode = exitCodes[document.outcome] ?? 1;
  if (options.json) {
    sayJson(document);
    return exitCode;
  }
  if (exitCode === 0) {
    if (!options.quiet) say(document.message);
    return 0;
  }
  process.stderr.write(`${document.message}\n`);
  const paint = paintFor(process.stderr);
  for (const worker of document.workers) if (!wellStates.has(worker.state)) process.stderr.write(`  ${workerLine(worker, paint)}\n`);
  return exitCode;
}

/** Of several workers one document, in the same form as of one. */
export function together(documents: readonly OutcomeDocument[]): OutcomeDocument {
  const worst = documents.reduce((a, b) => (ranked.indexOf(b.outcome) > ranked.indexOf(a.outcome) ? b : a));
  const workers = new Map(documents.flatMap((document) => document.workers.map((worker) => [worker.name, worker] as const)));
  return {
    version: 1,
    outcome: worst.outcome,
    message: documents.map(({ message }) => message).join('\n'),
    steps: documents.flatMap(({ steps }) => steps),
    workers: [...workers.values()],
  };
}
