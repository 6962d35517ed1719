import { basename } from 'node:path';
import type { Mutation } from './mutation.ts';

/** By file, operator and what stood there (of several that read the same, which): why no story can notice it, or why none is made to. */
const explanations: Readonly<Record<string, string>> = {
  'crew.ts drop write: this.#waiting.delete(one);': 'nothing changes but time: the gate passes over whoever waits no longer',
  "crew.ts negate guard: one.life.want !== 'run'":
    'who is started out of sight while all go down, and stays in the phase that it was in, is in fewer than one of 4,000 stories; crew.test.ts shows it',
  'crew.ts drop write: held.add(one.worker);': 'as the guard before it; crew.test.ts shows it',
  "crew.ts negate guard: !(await this.stopInOrder(all, { type: 'hold', by: 'the agent', cause: 'shutdown' }, signal))":
    'one that is found while its agent ends is in fewer than one of 4,000 stories; crew.test.ts shows it',
  'effects.ts drop epoch check: this.#of.life.epoch !== epoch':
    'who ends out of sight while it is about to be started again is in fewer than one of 4,000 stories; crew.test.ts shows it',
  'effects.ts drop epoch check: this.#of.life.epoch !== epoch (2)':
    'who ends out of sight before the answer of its start comes is in fewer than one of 4,000 stories; interleavings.test.ts shows it',
  'effects.ts lose hint: this.#removals.retire();': 'starts that are called off again and again leave a row each; crew.test.ts shows it',
  'effects.ts negate choice: life.blind === null': 'how much more slowly each time what refuses to be stopped is looked at; unanswered.test.ts shows it',
  'supervisor.ts lose hint: this.#effects.align(this.#life, []);':
    'who is prepared when another of it is found is in fewer than one of 4,000 stories; found.test.ts shows it',
  ...Object.fromEntries(
    [
      'drop write: this.#crew.onFound = (one) => { if (this.#unfound.delete(one.worker)) void one.send(hold); };',
      'negate guard: this.#unfound.delete(one.worker)',
      'lose hint: void one.send(hold);',
    ].map((was) => [
      `down.ts ${was}`,
      'who goes down, was found by an agent that died before that was written down, and is found again, is in fewer than one of 4,000 stories; down.test.ts shows it',
    ]),
  ),
  'moves.ts keep the old: mayCome: false': 'a start that nobody was asked for keeps its name for the next one; transition.test.ts shows it',
  ...Object.fromEntries(
    [
      'calls.ts negate guard: driver.cleared === undefined || !runtime.isUp()',
      'crew.ts negate choice: name === null',
      'crew.ts negate guard: runtime !== null',
    ].map((was) => [was, 'what ended workers left running is no matter of stories; left-behind.test.ts shows that it is waited for']),
  ),
  'boot.ts lose hint: crew.followDependencies(one);':
    'an agent that dies between the start of a worker and the stop of what follows it is in fewer than one of 4,000 stories; crew.test.ts shows it',
  'instances.ts drop write: this.#runs.delete(instance);': 'nothing changes but memory: of what an instance was is asked only while it is kept',
  'gate.ts drop write: this.#known.set(one, known);': 'nothing changes but time: what is missing to a worker is worked out anew each time',
  "journal.ts negate guard: heard.value.is === 'gap' || heard.value.item.cursor > last + 1":
    'nothing changes but time: each entry is read from the store, not taken as it was heard',
  'journal.ts drop write: await trimming.settled();': 'no agent of a story closes its journal; journal.test.ts does',
  'journal.ts swap write: await trimming.settled()': 'no agent of a story closes its journal; journal.test.ts does',
  'saver.ts negate guard: isFirst': 'how often the log says that the store refuses',
  'timers.ts negate guard: !this.#of.isClosed': 'a timer is left to a worker that takes no event any more',
  'timers.ts negate choice: lastDueAt === null':
    'a time that comes while a run before it is owed to the next agent, and this one is not gone yet, is in fewer than one of 4,000 stories; calendar.test.ts shows it',
  'timers.ts negate choice: backoff === undefined': 'how long a wait may be at most for a worker whose definition is not known',
  'runtimes.ts negate choice: error instanceof Error': 'the words for what was thrown and is no Error',
  'runtimes.ts negate choice: isRuntimeFailure(error)': 'whether a list that failed is tried again after two seconds or five',
  'runtimes.ts negate guard: !signal.aborted': 'a line of the log as the agent ends',
  'runtimes.ts lose hint: this.#engine.suspect();': 'an engine that fails to list is asked whether it is there some seconds later, with the next ping',
};

/** `null` = it should have been noticed. */
export const explanationOf = ({ file, operator, was, nth }: Mutation): string | null =>
  explanations[`${basename(file)} ${operator}: ${was}${nth === 1 ? '' : ` (${nth})`}`] ?? null;
