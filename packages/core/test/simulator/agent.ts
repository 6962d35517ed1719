import { z } from 'zod';
import { StuckCalls } from '../../src/base/stuck-calls.ts';
import { restore, resume } from '../../src/boot.ts';
import { watchEngine } from '../../src/engine/index.ts';
import { entries, openJournal } from '../../src/journal/index.ts';
import { Reconciler } from '../../src/reconcile/index.ts';
import { Runtime } from '../../src/runtimes.ts';
import { type HealthRule, type Normal, normalise, type Registry } from '../../src/spec/index.ts';
import type { GenerationRecord, JournalRecord } from '../../src/store/index.ts';
import type { StartSlots } from '../../src/supervise/gate.ts';
import { Crew, Down, type ProbeWatch } from '../../src/supervise/index.ts';
import type { Life } from '../../src/supervise/life.ts';
import { misapplied } from './applying.ts';
import type { Disk } from './disk.ts';
import type { Engine } from './engine.ts';
import { dueEveryMs } from './host.ts';
import type { HostFile } from './host-file.ts';
import { misanswered, misprobed } from './probing.ts';
import type { Random } from './random.ts';
import { canary } from './real.ts';
import { unsound } from './soundness.ts';
import type { Owner, Timeline } from './timeline.ts';
import { Tries } from './tries.ts';

const registry: Registry = {
  runtimes: new Map([
    ['docker', { class: 'container', options: z.looseObject({}) }],
    ['native', { class: 'process', options: z.looseObject({}) }],
  ]),
};
const key = new Uint8Array(32);
/** Of the journal; each tenth of it somebody looks. */
/** As the policy says no. */
export const byPolicy = 'the policy of this host forbids it';
const finding = { field: 'runtime', level: 'refused', text: byPolicy } as const;
export const keepEntries = 60;
/** As the composition root keeps them, over all agents of a story. */
const normals = new WeakMap<GenerationRecord, Normal>();

export interface AgentGiven {
  readonly timeline: Timeline;
  readonly disk: Disk;
  readonly engines: readonly Engine[];
  readonly hostFile: HostFile;
  readonly random: Random;
  readonly slots: StartSlots;
  /** What the policy of the host does not let a worker have; `null` = it may start. */
  forbidden(worker: string): string | null;
  newInstance(): string;
  /** A worker was given a slot, or its start was decided on. */
  onDecision(worker: string, to: 'prepare' | 'start'): void;
  /** A life is another one; `undefined` = it is no more. */
  onChange(worker: string, life: Life | undefined): void;
  /** What was decided on contradicts itself. */
  onUnsound(text: string): void;
  /** A worker turned unhealthy, by the rule for that. */
  onUnwell(worker: string, onUnhealthy: HealthRule['onUnhealthy']): void;
}

/** One life of an agent, from its start to the step at which it is killed. */
export class Agent {
  readonly owner: Owner = { isDead: false };
  readonly crew: Crew;
  readonly probes: ProbeWatch[] = [];
  /** Ended, and perhaps with an answer on its way. */
  lateProbe: ProbeWatch | null = null;
  /** What a follower of the journal heard, in order; taken by who looks. */
  readonly heard: JournalRecord[] = [];
  /** What one who follows one worker from the first entry on heard: the cursors. */
  heardOf: { readonly worker: string; readonly cursors: number[] } = { worker: '', cursors: [] };
  /** Lines of its log that bear what they must not. */
  /** Whose secrets are waited for. */
  readonly revealing = new Set<string>();
  readonly leaks: string[] = [];
  isUp = false;
  /** What runs was taken over, and supervision goes on. */
  isSupervising = false;
  isEnding = false;
  readonly #reconciler: Reconciler;
  readonly #down: Down;
  readonly #given: AgentGiven;
  /** How many were ever begun, and are under way. */
  #applies = 0;
  #applying = 0;

  constructor(given: AgentGiven) {
    this.#given = given;
    const { timeline, disk, random, slots, newInstance } = given;
    const clock = timeline.clock(this.owner);
    const store = disk.open(this.owner);
    const journal = openJournal(store, { keepEntries, keepDays: 1_000_000, nowMs: () => clock.nowMs() });
    const stuck = new StuckCalls();
    const runtimes = new Map<string, Runtime>();
    const inPlugin = <X>(_: string, run: () => X): X => run();
    this.crew = new Crew({
      startSlots: slots,
      services: {
        ...{ agentId: 'agent', hostName: 'host', clock, log: this.#log(), journal, stuck, inPlugin, newInstanceId: newInstance, random: () => random.next() },
        runtime: (name) => runtimes.get(name)?.access ?? null,
        normal: (generation) => {
          const known = normals.get(generation);
          if (known !== undefined) return known;
          const { worker, runtime, baseDir, written } = generation;
          const normal = normalise(written, { name: worker, runtime, baseDir, registry });
          normals.set(generation, normal);
          return normal;
        },
        reveal: async ({ worker }, __, signal) => {
          // Whoever keeps it takes its time.
          if (!given.engines[0]!.isFlawless && random.rarely(0.05)) {
            this.revealing.add(worker);
            await clock.sleep(random.int(3000), signal).finally(() => this.revealing.delete(worker));
          }
          return { files: [], env: { TOKEN: canary } };
        },
        forbidden: ({ spec }) => given.forbidden(spec.name),
        probe: (watch) => {
          this.probes.push(watch);
          this.#judgeProbe(watch);
          return () => {
            const at = this.probes.indexOf(watch);
            if (at >= 0) this.probes.splice(at, 1);
            this.lateProbe = watch;
          };
        },
        // What lines mean is tested elsewhere, and reading them costs more than a step.
        nextDue: (_, afterMs) => (Math.floor(afterMs / dueEveryMs) + 1) * dueEveryMs,
        missed: (_, fromMs, toMs, most) => Math.min(most, Math.max(0, Math.floor(toMs / dueEveryMs) - Math.floor(fromMs / dueEveryMs))),
      },
    });
    this.#down = new Down(this.crew);
    this.#reconciler = new Reconciler({
      crew: this.crew,
      key,
      desiring: {
        services: this.crew.services,
        registry,
        runtimes: ['docker', 'native'],
        secretVersions: async () => given.hostFile.secretVersions(),
        forbidden: ({ spec }) => (given.forbidden(spec.name) === null ? [] : [finding]),
      },
    });
    const phases = new Map<string, string>();
    const health = new Map<string, string>();
    const lives = new Map<string, Life>();
    const tries = new Tries();
    this.crew.onChange((worker) => {
      // Killed in this very turn.
      if (this.owner.isDead) return;
      const one = this.crew.get(worker);
      given.onChange(worker, one?.life);
      if (one !== undefined) {
        const row = one.life.instance === null ? null : one.instances.get(one.life.instance);
        const text = unsound(one.life, lives.get(worker) ?? null, row, clock.isoNow()) ?? tries.wrong(one);
        if (text !== null) given.onUnsound(`${worker}: ${text}`);
        lives.set(worker, one.life);
      } else lives.delete(worker);
      const { phase, epoch } = one?.life ?? { phase: '', epoch: 0 };
      const isUnwell = one?.life.health === 'bad' && (health.get(worker) ?? 'bad') !== 'bad';
      if (isUnwell) given.onUnwell(worker, one.scene().rules.health.onUnhealthy);
      health.set(worker, one?.life.health ?? 'none');
      const now = `${phase} ${epoch}`;
      const before = phases.get(worker);
      // Not what a dead agent left.
      if (before !== undefined && before !== now && phase === 'starting') given.onDecision(worker, 'start');
      if (before !== undefined && !before.startsWith(phase) && phase === 'preparing') given.onDecision(worker, 'prepare');
      phases.set(worker, now);
    });
    void this.#follow(journal);
    void this.#followOne(journal, `w${random.int(3)}`);
    void this.#comeUp(disk, runtimes, stuck);
  }

  #log() {
    const note = (_: unknown, text?: string): void => {
      const line = JSON.stringify([_, text]);
      if (line.includes(canary)) this.leaks.push(line);
    };
    const fail = (what: unknown, text?: string): void => {
      note(what, text);
      if (/a bug|a step of supervision failed/.test(text ?? '')) this.#given.onUnsound(`the log has: ${text} ${JSON.stringify(what)}`);
    };
    const log = { debug: note, info: note, warn: note, error: fail, close() {}, child: () => log };
    return log;
  }

  async #follow(journal: ReturnType<typeof openJournal>): Promise<void> {
    for await (const record of journal.follow({}, new AbortController().signal)) this.heard.push(record);
  }

  /** One that begins with the first entry there is, and hears of one worker. */
  async #followOne(journal: ReturnType<typeof openJournal>, worker: string): Promise<void> {
    this.heardOf = { worker, cursors: [] };
    for await (const { cursor, type } of journal.follow({ afterCursor: 0, worker }, new AbortController().signal)) {
      if (type === 'journal.gap') this.#given.onUnsound('a follower is told of a gap, and nothing was dropped');
      this.heardOf.cursors.push(cursor);
    }
  }

  /** As the composition root does it. */
  async #comeUp(disk: Disk, runtimes: Map<string, Runtime>, stuck: StuckCalls): Promise<void> {
    const { timeline, engines, hostFile } = this.#given;
    const clock = timeline.clock(this.owner);
    const snapshot = await disk.open(this.owner).load();
    restore(this.crew, snapshot);
    for (const engine of engines) {
      const driver = engine.driver(this.owner);
      const watch = watchEngine({
        ...{ runtime: engine.name, driver, plugin: engine.name, clock, stuck },
        onChange: () => void runtimes.get(engine.name)?.changed(),
      });
      const kind = engine.name === 'native' ? 'process' : 'container';
      runtimes.set(engine.name, new Runtime({ name: engine.name, class: kind, pluginId: engine.name, driver }, this.crew, watch));
    }
    const adopting = Promise.all([...runtimes.values()].map((runtime) => runtime.begin({ getConfig: () => hostFile.read(), key }, true)));
    this.#down.resume(snapshot.values);
    const adopted = await adopting;
    const count = adopted.reduce((sum, found) => sum + found, 0);
    const started = entries['agent.started'](clock.isoNow(), { version: '1', pid: 1, hostFile: '/host', adopted: count });
    await this.crew.services.journal.record({ journal: [started] }).catch(() => {});
    await Promise.all(this.crew.all().map((one) => resume(this.crew, one)));
    this.crew.update();
    const goingDown = snapshot.values['goingDown'];
    const left = this.crew.all().find((one) => Array.isArray(goingDown) && goingDown.includes(one.worker) && one.life.want === 'run');
    if (left !== undefined) this.#given.onUnsound(`everything was to go down as the last agent died, and ${left.worker} is wanted`);
    this.isSupervising = true;
    if (snapshot.values['applied'] === undefined || hostFile.apply === 'auto') await this.apply().catch(() => {});
    this.isUp = true;
  }

  #judgeProbe(watch: ProbeWatch): void {
    const one = this.crew.get(watch.worker)!;
    const supervised = { worker: one.worker, life: one.life, live: one.live, normal: one.normal.bind(one), generation: one.generation.bind(one) };
    const text = misprobed(watch, supervised);
    if (text !== null) this.#given.onUnsound(`${watch.worker}: ${text}`);
    const kind = one.runtimeName() === 'native' ? 'native' : 'docker';
    const isOwn = this.#given.engines.some(({ instances }) => instances.get(`${watch.worker}/${watch.instance}`)?.startedBy === this.owner);
    void misanswered(watch, kind, isOwn).then((wrong) => this.owner.isDead || wrong === null || this.#given.onUnsound(`${watch.worker}: ${wrong}`));
  }

  /** Resolves when each step of it is persisted. `workers`: it is applied to them alone. */
  async apply(workers?: readonly string[]): Promise<void> {
    const { hostFile, disk } = this.#given;
    const before = disk.values.get('applied');
    this.#applies += 1;
    const number = this.#applies;
    const isAlone = this.#applying === 0;
    this.#applying += 1;
    try {
      const plan = await this.#reconciler.apply(hostFile.read(), { allowRemove: true, by: 'apply', workers }, new AbortController().signal);
      if (this.owner.isDead || !isAlone || number !== this.#applies) return;
      const text = misapplied(plan.steps, workers, disk, before);
      if (text !== null) this.#given.onUnsound(text);
    } finally {
      this.#applying -= 1;
    }
  }

  /** What is held is so no more, as after an apply that was to lift all holds. */
  async release(): Promise<void> {
    await Promise.all(this.crew.all().map((one) => one.send({ type: 'start', by: 'up', cause: 'release' })));
  }

  /** What applying the file as it is would change now. */
  async pending(isStoreLost: boolean): Promise<readonly string[]> {
    const { steps } = await this.#reconciler.plan(this.#given.hostFile.read(), undefined, new AbortController().signal);
    // What an engine had left of a worker that is no more, and that was found after the last apply, waits for the next.
    const isFound = (worker: string): boolean => isStoreLost || this.crew.get(worker)?.generation() === null;
    const isLeft = ({ kind, worker }: (typeof steps)[number]): boolean => kind === 'remove' && isFound(worker) && !this.#given.hostFile.has(worker);
    return steps.filter((step) => step.kind !== 'keep' && !isLeft(step)).map(({ worker, kind, why }) => `${kind} ${worker}: ${why}`);
  }

  /** With its workers, in order; resolves when all are at rest, never after its death. */
  async end(): Promise<void> {
    this.isEnding = true;
    this.crew.shutGate();
    await this.crew.stopWithAgent(new AbortController().signal);
    if (this.owner.isDead) await new Promise(() => {});
  }

  /** Everything is stopped and held; resolves with `false` when that was called off. */
  down(signal: AbortSignal): Promise<boolean> {
    return this.#down.stopAll(this.crew.all(), signal, new AbortController().signal);
  }

  die(): void {
    this.owner.isDead = true;
  }
}
