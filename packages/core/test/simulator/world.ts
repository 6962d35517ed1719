import type { ProbeWatch } from '../../src/supervise/index.ts';
import { unapplied } from './applying.ts';
import { misread, unbounded } from './readings.ts';
import { halfMade, leaked, littered, mislaid, outdated, unchanged, undone, unheard, unpinned, unsettled, untold } from './rest.ts';
import { Stage } from './stage.ts';
import { unaware } from './truth.ts';
import { Violation } from './violation.ts';

/** How long a host may take to come to rest once nothing fails any more. */
const settleMs = 15 * 60_000;
const settleSteps = 20_000;

/** A host as its time goes on: until something is true, until all is at rest, and what must be true then. */
export class World extends Stage {
  readonly #verdicts = new Map<ProbeWatch, 'ok' | 'bad'>();

  /** Everything that is on its way arrives before time goes on. */
  async comeToRest(without: string | null = null): Promise<void> {
    const endMs = this.timeline.nowMs + settleMs;
    let why: string | null = 'nothing was looked at';
    // What came of the last thing that happened.
    await this.settle();
    for (let step = 0; step < settleSteps && this.timeline.nowMs < endMs; step++) {
      if (!this.#goOn()) {
        why = unsettled(this.view(), { without });
        if (why === null) return;
        if (step % 3 === 0) this.findHealthy();
        else this.timeline.advance();
      }
      this.steps += 1;
      await this.settle();
    }
    throw new Violation('comes to rest', `after ${Math.round((this.timeline.nowMs - endMs + settleMs) / 1000)} s in which nothing failed: ${why}`);
  }

  /** What is on its way arrives, in its order, and then time goes on, until this is true. */
  async until(isTrue: () => boolean): Promise<void> {
    await this.settle();
    for (let step = 0; !isTrue(); step++) {
      if (step > settleSteps) throw new Error('it never came to that');
      if (!this.#goOn()) this.timeline.advance();
      this.steps += 1;
      await this.settle();
    }
  }

  async pass(ms: number): Promise<void> {
    const endMs = this.timeline.nowMs + ms;
    // A timer of nobody, so that there is something to wait for.
    this.timeline.after({ isDead: false }, ms, () => {});
    await this.until(() => this.timeline.nowMs >= endMs);
  }

  findHealthy(): void {
    for (const watch of [...(this.agent?.probes ?? [])]) this.find(watch, true);
  }

  /** A probe has come to a verdict. */
  find(watch: ProbeWatch, isGood: boolean): void {
    const health = isGood ? 'ok' : 'bad';
    this.#verdicts.set(watch, health);
    watch.onVerdict({ health, evidence: isGood ? '' : 'a probe', failures: isGood ? 0 : 3, afterMs: isGood ? 1 : null });
  }

  /** All that is on its way arrives, without any time: then the agent must know what is. */
  async comeToKnow(): Promise<void> {
    for (let step = 0; step < settleSteps; step++) {
      const isMoving = this.#goOn();
      this.steps += 1;
      await this.settle();
      if (isMoving) continue;
      const text = unaware(this.view(), this.#verdicts);
      if (text !== null) throw new Violation('known at once', text);
      return;
    }
  }

  /** `false`: nothing is on its way. */
  #goOn(): boolean {
    const [request] = this.steppable();
    if (this.timeline.hasTurns()) this.timeline.turn();
    else if (this.disk.hasWork()) this.stepDisk();
    else if (request !== undefined) this.stepRequest(request);
    else return false;
    return true;
  }

  /** At rest, and the host file is true: there is nothing to apply, nothing has told a secret. */
  async comeTrue(): Promise<void> {
    await this.comeToRest();
    if (this.disk.hasRefused) {
      await this.pass(1100);
      await this.comeToRest();
      this.disk.hasRefused = false;
    }
    // Of one that was applied while its engine was down, or its secret could not be read, nobody knew that either is another.
    if (this.file.image > 1 || this.file.secret > 1) this.user.applied = -1;
    for (let time = 0; this.user.applied !== this.file.version && time < 3; time++) {
      this.user.apply(this.agent!);
      // A commit that the full disk refused is tried again after a while.
      await this.pass(2500);
      await this.comeToRest();
    }
    // As here: the row says already what it is to say, and the answer waits for the rest.
    if (this.user.isLeftWaiting) await this.pass(2500);
    // One of another store of its engine is waited for as long as its people wish.
    const isAllSeen = this.agent!.crew.all().every(({ life }) => life.blind === null);
    if (this.user.isLeftWaiting && isAllSeen) throw new Violation('comes to rest', 'everything was to go down, and that was never answered');
    if (this.user.applied !== this.file.version) throw new Violation('comes to rest', 'the host file cannot be applied, although nothing fails');
    const pending = await this.agent!.pending(this.isStoreLost);
    if (pending.length > 0) throw new Violation('an empty plan', `nothing was edited since it was applied, and yet: ${pending.join('; ')}`);
    this.disk.reread();
    const misreadText = await misread(this.agent!.crew.services.journal, this.disk, this.steps);
    if (misreadText !== null) throw new Violation('the journal is read', misreadText);
    for (const [name, text] of this.#judgements()) if (text !== null) throw new Violation(name, text);
  }

  /** What must be true of a host at rest whose host file is. */
  #judgements(): readonly (readonly [string, string | null])[] {
    const view = this.view();
    // Nobody can know what was taken away, and what for, where calls came to nobody, or the clock was set.
    const isPlain = !this.isClockSet && this.upheavals === 0 && !this.failed.has('remove');
    const unsent = this.signals.unsent(this.user.wishes);
    return [
      // Of what was found on an engine nobody knows what it is.
      ['resolved for good', this.isStoreLost ? null : unpinned(view)],
      ['a down outlives its agent', this.#isDownLeft() ? 'nobody waits for everything to go down, and the next agent would hold all' : null],
      ['no secret', leaked(view)],
      ['started anew with it', this.isStoreLost ? null : outdated(view)],
      ['a restart happens', unchanged(view, this.user.restarted)],
      ['what runs is told', this.isStoreLost ? null : untold(view)],
      ['no litter', littered(view, this.upheavals + (this.file.hasMoved ? 1 : 0), (this.failed.get('remove') ?? 0) + this.disk.unforgotten)],
      ['the last ones are kept', isPlain ? mislaid(view) : null],
      ['nothing half-made is left', isPlain ? halfMade(view) : null],
      ['who follows hears all', unheard(view)],
      ['applied as it is', unapplied(view, this.file)],
      ['the journal is bounded', unbounded(view)],
      ['a signal is sent', unsent === null ? null : `${unsent.worker} was not well and got no ${unsent.signal} for that`],
    ];
  }

  #isDownLeft(): boolean {
    return !this.user.isLeftWaiting && Array.isArray(this.disk.values.get('goingDown'));
  }

  /** Time goes on, and what has its time happens. */
  async keepTime(ms: number): Promise<void> {
    await this.pass(ms);
    const late = this.isClockSet ? null : undone(this.view(), this.timeline.epochMs(), ms);
    if (late !== null) throw new Violation('all in its time', late);
  }
}
