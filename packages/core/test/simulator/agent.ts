import { z } from 'zod';
import { StuckCalls } from '../../src/base/stuck-calls.ts';
import { restore, resume } from '../../src/boot.ts';
import { watchEngine } from '../../src/engine/index.ts';
import { entries, openJournal } from '../../src/journal/index.ts';
import { Runtime } from '../../src/runtimes.ts';
import { missedBetween, nextDue } from '../../src/schedule/index.ts';
import { type Normal, normalise, type Registry } from '../../src/spec/index.ts';
import type { GenerationRecord, Store } from '../../src/store/index.ts';
import { Crew, newLife, type ProbeWatch, startSlots } from '../../src/supervise/index.ts';
import type { Disk } from './disk.ts';
import type { Engine } from './engine.ts';
import type { Declared } from './host.ts';
import type { Random } from './random.ts';
import type { Owner, Timeline } from './timeline.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {}, close() {}, child: () => silent };
const registry: Registry = {
  runtimes: new Map([
    ['docker', { class: 'container', options: z.looseObject({}) }],
    ['native', { class: 'process', options: z.looseObject({}) }],
  ]),
};
/** Stands in the environment of every worker: no journal, row or error may have it. */
export const canary = 'canary-7c1f';

const plain = new Map<string, Normal>();

/** A schema costs far more than a step: read once for each kind, the rest is laid over. */
function normalOf({ name, runtime, kind, dependsOn }: Declared): Normal {
  const key = `${runtime} ${kind}`;
  const known = plain.get(key) ?? normalise({ command: ['run'], kind }, { name: 'x', runtime, baseDir: '/host', registry });
  plain.set(key, known);
  const depends = dependsOn.map((rule) => ({ optional: false, restartWithIt: false, stopWithIt: false, ...rule }));
  return { ...known, spec: { ...known.spec, name }, rules: { ...known.rules, dependsOn: depends } };
}

export interface AgentGiven {
  readonly timeline: Timeline;
  readonly disk: Disk;
  readonly engines: readonly Engine[];
  readonly random: Random;
  readonly slots: number;
  newInstance(): string;
}

/** One life of an agent, from its start to the step at which it is killed. */
export class Agent {
  readonly owner: Owner = { isDead: false };
  readonly crew: Crew;
  readonly probes: ProbeWatch[] = [];
  isUp = false;
  readonly #normals = new WeakMap<GenerationRecord, Normal>();

  constructor(given: AgentGiven) {
    const { timeline, disk, random, slots, newInstance } = given;
    const clock = timeline.clock(this.owner);
    const store = disk.open(this.owner);
    const journal = openJournal(store, { keepEntries: 1_000_000, keepDays: 1_000_000, nowMs: () => clock.nowMs() });
    const stuck = new StuckCalls();
    const runtimes = new Map<string, Runtime>();
    const inPlugin = <X>(_: string, run: () => X): X => run();
    this.crew = new Crew({
      startSlots: startSlots(slots),
      services: {
        ...{ agentId: 'agent', hostName: 'host', clock, log: silent, journal, stuck, inPlugin, newInstanceId: newInstance, random: () => random.next() },
        runtime: (name) => runtimes.get(name)?.access ?? null,
        normal: (generation) => {
          const known = this.#normals.get(generation) ?? normalOf(generation.written as unknown as Declared);
          this.#normals.set(generation, known);
          return known;
        },
        reveal: async () => ({ files: [], env: { TOKEN: canary } }),
        probe: (watch) => {
          this.probes.push(watch);
          return () => {
            const at = this.probes.indexOf(watch);
            if (at >= 0) this.probes.splice(at, 1);
          };
        },
        nextDue,
        missed: missedBetween,
      },
    });
    void this.#comeUp(given, store, runtimes, stuck);
  }

  /** As the composition root does it. */
  async #comeUp({ timeline, engines }: AgentGiven, store: Store, runtimes: Map<string, Runtime>, stuck: StuckCalls): Promise<void> {
    const clock = timeline.clock(this.owner);
    restore(this.crew, await store.load());
    for (const engine of engines) {
      const driver = engine.driver(this.owner);
      const watch = watchEngine({
        ...{ runtime: engine.name, driver, plugin: engine.name, clock, stuck },
        onChange: () => void runtimes.get(engine.name)?.changed(),
      });
      const kind = engine.name === 'native' ? 'process' : 'container';
      runtimes.set(engine.name, new Runtime({ name: engine.name, class: kind, pluginId: engine.name, driver }, this.crew, watch));
    }
    const adopted = await Promise.all([...runtimes.values()].map((runtime) => runtime.begin({ config: null, key: new Uint8Array(32) })));
    const count = adopted.reduce((sum, found) => sum + found, 0);
    const started = entries['agent.started'](clock.isoNow(), { version: '1', pid: 1, hostFile: '/host', adopted: count });
    await this.crew.services.journal.record({ journal: [started] }).catch(() => {});
    await Promise.all(this.crew.all().map(resume));
    this.crew.update();
    this.isUp = true;
  }

  /** As apply does it: the generation is persisted, then the worker hears of it. Resolves when both are. */
  async declare(declared: Declared): Promise<void> {
    const { crew } = this;
    const before = crew.get(declared.name);
    const counter = Math.max(0, ...(before?.generations ?? []).map((one) => one.counter)) + 1;
    const createdAt = crew.services.clock.isoNow();
    const generation: GenerationRecord = {
      ...{ worker: declared.name, counter, digest: `d${counter}`, runtime: declared.runtime, written: declared as never, baseDir: '/host' },
      ...{ artifact: { digest: 'sha256:1', inputs: {}, data: null }, secrets: {}, createdAt },
    };
    await crew.services.journal.record({ generations: [generation] });
    const one = crew.get(declared.name) ?? crew.add(declared.name, newLife(createdAt), [], []);
    one.learn(generation);
    await one.send({ type: 'declare', generation: counter, fields: ['env'], isNew: before === undefined, runtime: declared.runtime });
  }

  die(): void {
    this.owner.isDead = true;
  }
}
