import { type Place, type Problem, problem } from '../base/problem.ts';

/** What a host file may cost. Far above any real file, far below what would stall the agent. */
export const bounds = {
  fileBytes: 1024 * 1024,
  depth: 64,
  nodes: 100_000,
  files: 64,
  textLength: 64 * 1024,
  totalTextLength: 8 * 1024 * 1024,
} as const;

/** Keys that reach into JavaScript's own objects. No field has such a name; a free map must not either. */
const unsafeKeys = new Set(['__proto__', 'constructor', 'prototype']);

/** Counts what a loader builds and refuses what is too much: aliases and merges can make a small file huge. */
export class Budget {
  #nodes = 0;

  node(at: Place, depth: number): void {
    if (depth > bounds.depth)
      throw problem({
        code: 'host-file-invalid',
        message: `nested more than ${bounds.depth} levels deep`,
        place: at,
        hint: 'A host file needs no more than ten.',
      });
    this.#nodes += 1;
    if (this.#nodes > bounds.nodes)
      throw problem({
        code: 'host-file-invalid',
        message: `more than ${bounds.nodes} values, aliases counted as what they stand for`,
        place: at,
        hint: 'Remove aliases that repeat other aliases, or split the host into several.',
      });
  }

  key(key: string, at: Place): void {
    if (unsafeKeys.has(key))
      throw problem({ code: 'host-file-invalid', message: `\`${key}\` cannot be used as a key`, place: at, hint: 'Choose another name.' });
  }
}

export const syntaxProblem = (message: string, place: Place, hint?: string): Error & Problem =>
  problem({ code: 'host-file-syntax', message, place, ...(hint === undefined ? {} : { hint }) });

/** A duplicate key: which line holds the first one. */
export const duplicateKey = (key: string, first: Place, at: Place): Error & Problem =>
  syntaxProblem(`\`${key}\` is given twice; the first is in line ${first.line}`, at, 'Remove one of the two.');
