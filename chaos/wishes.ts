import { renameSync, writeFileSync } from 'node:fs';
import { type Answer, ostler, outcomeOf } from './command.ts';
import { type Edition, type Fleet, hostFileOf, leavesOf, type Member } from './fleet.ts';
import type { Observer } from './observer.ts';
import { nowMs } from './process.ts';
import type { Site } from './site.ts';

const atOnce = 3;
const waitMs = 4000;

/** What the user of the run wishes of the workers, by the command line alone; and what is known to have been taken. */
export class Wishes {
  readonly #site: Site;
  readonly #fleet: Fleet;
  readonly #observer: Observer;
  readonly #onTrouble: (text: string) => void;
  /** Whether the agent could act all the time from that moment on. */
  readonly #wasAbleSince: (ms: number) => boolean;
  /** Whose hold was said to be taken, and what ends it. */
  readonly #held = new Map<number, () => void>();
  /** Stopped perhaps: the command did not come to its end. */
  readonly #unsure = new Set<number>();
  readonly #busy = new Set<number>();
  readonly #variants = new Map<number, number>();
  readonly #removed = new Set<number>();
  /** Changed in the file, and perhaps not applied yet. */
  readonly #pending = new Set<number>();
  readonly #running = new Set<Promise<void>>();
  #isApplying = false;

  constructor(site: Site, fleet: Fleet, observer: Observer, given: { onTrouble(text: string): void; wasAbleSince(ms: number): boolean }) {
    this.#site = site;
    this.#fleet = fleet;
    this.#observer = observer;
    this.#onTrouble = (text) => given.onTrouble(text);
    this.#wasAbleSince = (ms) => given.wasAbleSince(ms);
  }

  get edition(): Edition {
    return { variants: this.#variants, removed: this.#removed };
  }
  get held(): ReadonlySet<number> {
    return new Set(this.#held.keys());
  }
  get hasRoom(): boolean {
    return this.#running.size < atOnce;
  }

  /** One that was put back into the file may not be there before that is applied. */
  isFree({ index }: Member): boolean {
    return !this.#busy.has(index) && !this.#removed.has(index) && !this.#pending.has(index);
  }

  /** Whole or not at all, as an editor does it. */
  writeHostFile(): void {
    const { hostFile } = this.#site;
    writeFileSync(`${hostFile}.new`, hostFileOf(this.#fleet, this.edition, this.#site));
    renameSync(`${hostFile}.new`, hostFile);
  }

  stop(member: Member): void {
    const { index } = member;
    this.#one(member, 'stop', (answer) => {
      if (outcomeOf(answer) === 'done') this.#held.set(index, this.#observer.span('held', index, 'a person stopped it'));
      else this.#unsure.add(index);
    });
  }

  /** By hand: lifts a hold too. */
  start(member: Member, how: 'start' | 'restart'): void {
    this.#release(member.index);
    this.#one(member, how, (answer) => {
      if (outcomeOf(answer) === null) this.#unsure.add(member.index);
    });
  }

  /** Other variants of some workers; now and then a worker that nobody depends on is taken out, or comes back. */
  apply(some: readonly Member[], leaf: Member | null): void {
    if (this.#isApplying) return;
    for (const { index } of some) this.#variants.set(index, (this.#variants.get(index) ?? 0) + 1);
    if (leaf !== null && !this.#removed.delete(leaf.index)) {
      this.#release(leaf.index);
      this.#removed.add(leaf.index);
    }
    for (const { index } of [...some, ...(leaf === null ? [] : [leaf])]) this.#pending.add(index);
    const touched = this.#fleet.filter(({ index }) => this.#pending.has(index));
    this.#isApplying = true;
    this.#run(touched, ['apply'], (answer) => {
      this.#isApplying = false;
      if (outcomeOf(answer) !== null) for (const { index } of touched) this.#pending.delete(index);
    });
  }

  /** A worker that may be taken out of the file, or be put back. */
  leaf(pick: (some: Fleet) => Member): Member | null {
    const free = leavesOf(this.#fleet).filter(({ index }) => !this.#busy.has(index) && !this.#held.has(index) && !this.#unsure.has(index));
    return free.length < 2 ? null : pick(free);
  }

  /**
   * What all commands together have left open is said again, with nobody in the way: the file is applied, and everything is started but workers that
   * nobody depends on and that are known to be held. Resolves with what could not be had.
   */
  async settle(): Promise<string | null> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    const end = this.#mayStop(
      this.#fleet.map(({ index }) => index),
      'the last apply',
    );
    this.writeHostFile();
    const applied = await ostler(this.#site, 'apply', '--wait', '30s');
    const leaves = new Set(leavesOf(this.#fleet).map(({ index }) => index));
    const started = this.#fleet.filter(({ index }) => !this.#removed.has(index) && (this.#unsure.has(index) || (this.#held.has(index) && !leaves.has(index))));
    for (const { index } of started) this.#release(index);
    const answer = started.length === 0 ? null : await ostler(this.#site, 'start', '--wait', '30s', ...started.map(({ name }) => name));
    end();
    for (const one of [applied, answer]) if (one !== null && outcomeOf(one) === null) return `it ended with ${one.code}: ${one.stderr}`;
    return null;
  }

  #one(member: Member, verb: 'stop' | 'start' | 'restart', then: (answer: Answer) => void): void {
    this.#run([member], [verb, member.name], then);
  }

  #run(members: readonly Member[], words: readonly string[], then: (answer: Answer) => void): void {
    const indexes = members.map(({ index }) => index);
    for (const index of indexes) this.#busy.add(index);
    const sinceMs = nowMs();
    const end = this.#mayStop(indexes, `ostler ${words.join(' ')}`);
    if (words[0] === 'apply') this.writeHostFile();
    const run = ostler(this.#site, ...words, '--wait', `${waitMs}ms`).then((answer) => {
      for (const index of indexes)
        this.#observer.say(index, `ostler ${words.join(' ')}: ${outcomeOf(answer) ?? `exit ${answer.code}: ${answer.stderr.trim()}`}`);
      then(answer);
      end();
      for (const index of indexes) this.#busy.delete(index);
      this.#running.delete(run);
      if (outcomeOf(answer) === null && this.#wasAbleSince(sinceMs))
        this.#onTrouble(`\`ostler ${words.join(' ')}\` ended with ${answer.code} although the agent was there: ${(answer.stderr + answer.stdout).trim()}`);
    });
    this.#running.add(run);
  }

  #mayStop(indexes: readonly number[], why: string): () => void {
    const ends = indexes.map((index) => this.#observer.span('may stop', index, why));
    return () => {
      for (const end of ends) end();
    };
  }

  #release(index: number): void {
    this.#held.get(index)?.();
    this.#held.delete(index);
    this.#unsure.delete(index);
  }
}
