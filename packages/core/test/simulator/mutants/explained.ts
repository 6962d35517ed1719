import { basename } from 'node:path';
import type { Mutation } from './mutation.ts';

/** By file, operator and what stood there: why no story can notice it, or why none is made to. */
const explanations: Readonly<Record<string, string>> = {
  'crew.ts drop write: this.#waiting.delete(one);': 'nothing changes but time: the gate passes over whoever waits no longer',
  'gate.ts drop write: this.#known.set(one, known);': 'nothing changes but time: what is missing to a worker is worked out anew each time',
  "journal.ts negate guard: heard.value.is === 'gap' || heard.value.item.cursor > last + 1":
    'nothing changes but time: each entry is read from the store, not taken as it was heard',
  'journal.ts drop write: await trimming.settled();': 'no agent of a story closes its journal; journal.test.ts does',
  'journal.ts swap write: await trimming.settled()': 'no agent of a story closes its journal; journal.test.ts does',
  'saver.ts negate guard: isFirst': 'how often the log says that the store refuses',
  'timers.ts negate guard: !this.#of.isClosed': 'a timer is left to a worker that takes no event any more',
  'timers.ts negate choice: backoff === undefined': 'how long a wait may be at most for a worker whose definition is not known',
  'runtimes.ts negate choice: error instanceof Error': 'the words for what was thrown and is no Error',
  'runtimes.ts negate choice: isRuntimeFailure(error)': 'whether a list that failed is tried again after two seconds or five',
  'runtimes.ts negate guard: !signal.aborted': 'a line of the log as the agent ends',
  'runtimes.ts lose hint: this.#engine.suspect();': 'an engine that fails to list is asked whether it is there some seconds later, with the next ping',
};

/** `null` = it should have been noticed. */
export const explanationOf = ({ file, operator, was }: Mutation): string | null => explanations[`${basename(file)} ${operator}: ${was}`] ?? null;
