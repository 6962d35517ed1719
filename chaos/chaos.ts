import { setTimeout as pause } from 'node:timers/promises';
import { Random } from '../packages/core/test/simulator/random.ts';
import type { Summary, Violation } from './acts.ts';
import { Agent } from './agent.ts';
import { ostler } from './command.ts';
import { type Fault, faults } from './faults.ts';
import { someFleet } from './fleet.ts';
import { Journal } from './journal.ts';
import { Observer } from './observer.ts';
import { nowMs, usageOf } from './process.ts';
import { settled } from './rest.ts';
import { belonging, type Site } from './site.ts';
import type { Stage } from './stage.ts';
import { Wishes } from './wishes.ts';
import { World } from './world.ts';

export interface ChaosOptions {
  readonly seed: number;
  readonly workers: number;
  /** How long faults go on. */
  readonly ms: number;
  readonly site: Site;
  /** Hears now and then how far it is. */
  progress(text: string): void;
}

export interface Outcome {
  /** How often each was done; only those that this host can do. */
  readonly faults: ReadonlyMap<string, number>;
  /** Faults that were left out, and why. */
  readonly leftOut: readonly string[];
  readonly agents: number;
  readonly events: number;
  /** From the end of the faults until all was as wished. */
  readonly settledMs: number | null;
  /** Of the agent, at rest: before the first fault and after the last. */
  readonly usage: { readonly before: Usage; readonly after: Usage } | null;
  readonly summary: Summary | null;
  readonly violations: readonly Violation[];
}
interface Usage {
  readonly files: number;
  readonly kib: number;
}

/** Until everything is as wished: the first time, and after the faults. */
const settleMs = 90_000;
const leftMs = 10_000;
const progressMs = 20_000;
/** The last agent lives through a third of the faults, so that what it gathers can be seen. */
const agentDies = 2 / 3;
const moreFiles = 16;
const moreKib = 160 * 1024;

/** One run: lays the host out, does its harm, lets it come to rest, ends it. Whatever does not hold is a violation of the outcome, not a throw. */
export async function runChaos(options: ChaosOptions): Promise<Outcome> {
  const run = new Run(options);
  try {
    await run.play();
  } finally {
    await run.close();
  }
  return run.outcome();
}

class Run {
  readonly #options: ChaosOptions;
  readonly #stage: Stage;
  readonly #journal: Journal;
  readonly #violations: Violation[] = [];
  readonly #counts = new Map<string, number>();
  readonly #here: readonly Fault[];
  readonly #leftOut: readonly string[];
  readonly #undo = new Set<() => void>();
  /** Which faults, and when: its own chance, so that the order does not hang on who lives at the moment. */
  readonly #schedule: Random;
  #summary: Summary | null = null;
  #settledMs: number | null = null;
  #usage: Outcome['usage'] = null;
  #ableSinceMs = 0;

  constructor(options: ChaosOptions) {
    const { seed, workers, site } = options;
    this.#options = options;
    const random = new Random(seed);
    const fleet = someFleet(workers, random);
    this.#schedule = new Random(seed + 1);
    const observer = new Observer(site, fleet);
    const agent = new Agent(site, observer, (text) => this.#violate('the agent stays up', text));
    const wishes = new Wishes(site, fleet, observer, {
      onTrouble: (text) => this.#violate('commands are answered', text),
      wasAbleSince: (ms) => agent.isAble && ms > this.#ableSinceMs,
    });
    const later = (ms: number, undo: () => void): void => this.#later(ms, undo);
    this.#stage = { site, fleet, random, world: new World(site.place), agent, observer, wishes, later };
    this.#journal = new Journal(site, (text) => this.#violate('the journal has no gap and no repetition', text));
    const missing = faults.map((fault) => [fault, fault.missing?.(this.#stage) ?? null] as const);
    this.#here = missing.flatMap(([fault, why]) => (why === null ? [fault] : []));
    this.#leftOut = missing.flatMap(([{ name }, why]) => (why === null ? [] : [`left out: ${name}: ${why}`]));
  }

  async play(): Promise<void> {
    const { agent, observer, wishes } = this.#stage;
    await observer.ready();
    wishes.writeHostFile();
    agent.start();
    if (!(await agent.able(settleMs))) return this.#violate('comes to rest', `the first agent did not answer; it said: ${agent.said()}`);
    this.#journal.start();
    if (!(await this.#comeToRest('at first'))) return;
    const before = this.#usageNow();
    await this.#harm();
    for (const undo of [...this.#undo]) undo();
    observer.say(null, 'nothing fails any more');
    const fromMs = nowMs();
    if (!(await agent.able(settleMs))) return this.#violate('comes to rest', `the agent is not back after the faults; it said: ${agent.said()}`);
    const left = await wishes.settle();
    if (left !== null) this.#violate('commands are answered', `after the faults the host file could not be applied, or workers not be started: ${left}`);
    if (!(await this.#comeToRest('after the faults'))) return;
    this.#settledMs = nowMs() - fromMs;
    await this.#agrees();
    await this.#gathersNothing(before);
    await this.#down();
    this.#summary = await observer.end();
  }

  outcome(): Outcome {
    const seen = this.#stage.observer.violations.map((one) => ({ ...one, story: [...one.story, 'What the agents told:', ...this.#told(one.text)] }));
    const violations = [...this.#violations, ...seen];
    const counted = { faults: this.#counts, leftOut: this.#leftOut, agents: this.#stage.agent.count, events: this.#journal.last };
    return { ...counted, settledMs: this.#settledMs, usage: this.#usage, summary: this.#summary, violations };
  }

  /** Ends what the run itself keeps up; workers that are left are the site's to sweep. */
  async close(): Promise<void> {
    for (const undo of [...this.#undo]) undo();
    const { agent, observer } = this.#stage;
    const over = agent.over();
    if (agent.pid !== null) agent.kill(0);
    await Promise.all([over, this.#journal.end(), observer.close()]);
  }

  /** By the journal, of the workers that a text names. */
  #told(text: string): readonly string[] {
    return this.#journal.of(text.match(/\bw\d{2,}\b/g) ?? []);
  }

  #violate(name: string, text: string): void {
    this.#violations.push({ name, text, story: [] });
  }

  #later(ms: number, undo: () => void): void {
    const once = (): void => {
      clearTimeout(timer);
      if (this.#undo.delete(once)) undo();
    };
    const timer = setTimeout(once, ms);
    this.#undo.add(once);
  }

  async #harm(): Promise<void> {
    const { agent } = this.#stage;
    const { ms, progress } = this.#options;
    const fromMs = nowMs();
    let saidMs = fromMs;
    while (nowMs() - fromMs < ms && this.#isWell()) {
      const mayDie = nowMs() - fromMs < ms * agentDies;
      const fault = this.#choose(mayDie ? this.#here : this.#here.filter(({ killsAgent }) => killsAgent !== true));
      if (fault.begin(this.#stage)) this.#counts.set(fault.name, (this.#counts.get(fault.name) ?? 0) + 1);
      for (const end = nowMs() + 50 + this.#schedule.int(700); nowMs() < end; await pause(20)) if (!agent.isAble) this.#ableSinceMs = nowMs();
      if (nowMs() - saidMs > progressMs) {
        saidMs = nowMs();
        this.#stage.world.look();
        const total = [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
        progress(
          `${Math.round((saidMs - fromMs) / 1000)} s: ${total} faults, ${this.#stage.world.instances.length} starts, ${agent.count} agents, ${this.#journal.last} events`,
        );
      }
    }
  }

  #isWell(): boolean {
    return this.#violations.length + this.#stage.observer.violations.length === 0;
  }

  #choose(some: readonly Fault[]): Fault {
    let at = this.#schedule.next() * some.reduce((sum, { weight }) => sum + weight, 0);
    const chosen = some.find(({ weight }) => {
      at -= weight;
      return at < 0;
    });
    return chosen ?? some[0]!;
  }

  async #comeToRest(when: string): Promise<boolean> {
    const why = await settled(this.#stage, settleMs);
    if (why === null) return true;
    this.#violate('comes to rest', `${when}, after ${settleMs / 1000} s: ${why}\n${this.#told(why).join('\n')}`);
    return false;
  }

  /** What `ps` says is what is there. */
  async #agrees(): Promise<void> {
    const { site, fleet, world } = this.#stage;
    const until = nowMs() + leftMs;
    for (let wrong: readonly string[] = ['nothing was asked']; wrong.length > 0; await pause(200)) {
      const { document, stderr } = await ostler(site, 'ps');
      const rows = (document?.['workers'] ?? []) as readonly { readonly name: string; readonly native: { readonly pid: number | null } | null }[];
      world.look();
      wrong = fleet.flatMap(({ index, name, livesMs }) => {
        const said = rows.find((row) => row.name === name)?.native?.pid ?? null;
        const real = world.live(index)?.pid ?? null;
        return said === real || livesMs > 0 ? [] : [`${name} has pid ${real ?? 'none'}, and \`ostler ps\` says ${said ?? 'none'}`];
      });
      if (wrong.length > 0 && nowMs() > until) return this.#violate('what is said is what is', `${wrong.join('; ')} ${stderr}`);
    }
  }

  #usageNow(): Usage {
    return usageOf(this.#stage.agent.pid ?? -1) ?? { files: 0, kib: 0 };
  }

  async #gathersNothing(before: Usage): Promise<void> {
    const isMore = ({ files, kib }: Usage): boolean => files > before.files + moreFiles || kib > before.kib + moreKib;
    let after = this.#usageNow();
    // At rest it gives memory back, in its own time.
    for (const end = nowMs() + leftMs * 2; isMore(after) && nowMs() < end; after = this.#usageNow()) await pause(500);
    this.#usage = { before, after };
    if (isMore(after))
      this.#violate(
        'the agent gathers nothing',
        `at rest it had ${before.files} files and ${before.kib} KiB, after the faults ${after.files} and ${after.kib}`,
      );
  }

  /** Everything is stopped, then the agent ended: of all that was begun nothing is left. */
  async #down(): Promise<void> {
    const { site, agent, observer, fleet, world } = this.#stage;
    const begun = fleet.map(({ index }) => observer.span('may stop', index, 'ostler down'));
    const down = await ostler(site, 'down', '--wait', '60s');
    if (down.code !== 0) this.#violate('down leaves nothing', `\`ostler down\` ended with ${down.code}: ${down.stdout}${down.stderr}`);
    world.look();
    const alive = fleet.filter(({ index }) => world.live(index) !== null).map(({ name }) => name);
    if (alive.length > 0) this.#violate('down leaves nothing', `after \`ostler down\` ${alive.join(', ')} lived`);
    for (const end of begun) end();
    await this.#journal.compare();
    const over = agent.over();
    const ended = await ostler(site, 'down', '--agent');
    if (ended.code !== 0) this.#violate('down leaves nothing', `\`ostler down --agent\` ended with ${ended.code}: ${ended.stderr}`);
    await over;
    await this.#journal.end();
    const left = () => belonging(site, new Set([process.pid, observer.pid]));
    for (const until = nowMs() + leftMs; left().length > 0; await pause(50))
      if (nowMs() > until)
        return this.#violate(
          'down leaves nothing',
          `after \`ostler down --agent\` there are ${left()
            .map(({ pid, words }) => `${pid} (${words.join(' ').slice(0, 120)})`)
            .join(', ')}`,
        );
  }
}
