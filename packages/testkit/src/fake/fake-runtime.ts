import { createHash } from 'node:crypto';
import {
  type Call,
  definePlugin,
  type InstanceRef,
  type Plugin,
  type Run,
  type RuntimeDriver,
  type RuntimeFailure,
  runtimeFailure,
  unhonoured,
} from '@ostler/sdk';
import { z } from 'zod';
import { type FakeClock, fakeClock } from './fake-clock.ts';
import { fakeLogs, fakeWatch } from './fake-streams.ts';
import { observedOf } from './observed.ts';
import type { Script } from './script.ts';
import { type FakeInstance, World } from './world.ts';

export interface FakeRuntime {
  readonly driver: RuntimeDriver;
  /** What really is, and the levers. */
  readonly world: World;
  readonly clock: FakeClock;
  /** Brings `driver` as the runtime `fake`. */
  readonly plugin: Plugin;
}

/** A runtime in memory, by script. Its world outlives close(), as an engine outlives an agent: `again()` is the agent that comes back. */
export function fakeRuntime(
  given: { readonly clock?: FakeClock; readonly scripts?: Readonly<Record<string, Script | readonly Script[]>> } = {},
): FakeRuntime & {
  again(): RuntimeDriver;
} {
  const clock = given.clock ?? fakeClock();
  const world = new World(clock, given.scripts ?? {});
  const driver = fakeDriver(world, clock);
  const plugin = definePlugin({
    id: 'ostler-runtime-fake',
    api: 1,
    contributes: { runtimes: { fake: { class: 'process', options: z.looseObject({}) } } },
    setup: () => ({ runtimes: { fake: driver as RuntimeDriver<Record<string, unknown>> } }),
  });
  return { driver, world, clock, plugin, again: () => fakeDriver(world, clock) };
}

const failure = (code: RuntimeFailure['code'], outcome: RuntimeFailure['outcome'], message: string, over: Partial<RuntimeFailure> = {}): Error =>
  runtimeFailure({ code, outcome, retryable: outcome !== 'no', message, ...over });

/** Rejects when the call ends, whatever the work does. */
async function orAborted<X>(call: Call, outcome: 'no' | 'unknown', work: Promise<X>): Promise<X> {
  const aborted = (): Error => failure('aborted', outcome, 'the scripted call was aborted before its answer');
  if (call.signal.aborted) throw aborted();
  let stop = (): void => {};
  const end = new Promise<never>((_, reject) => {
    stop = () => reject(aborted());
    call.signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, end]);
  } finally {
    call.signal.removeEventListener('abort', stop);
  }
}

const never = <X>(): Promise<X> => new Promise(() => {});

function fakeDriver(world: World, clock: FakeClock): RuntimeDriver {
  /** A read: waits while frozen, fails while down. */
  const read = <X>(method: string, ref: InstanceRef | null, call: Call, answer: () => X): Promise<X> =>
    orAborted(
      call,
      'no',
      world.whenThawed().then(() => {
        world.note(method, ref);
        world.assertUp();
        return answer();
      }),
    );
  /** A change: carried out when the engine thaws, though its caller has gone. */
  const change = <X>(method: string, ref: InstanceRef, call: Call, work: () => Promise<X>): Promise<X> => {
    const run = world.whenThawed().then(() => {
      world.note(method, ref);
      world.assertUp();
      return work();
    });
    run.catch(() => {});
    return orAborted(call, 'unknown', run);
  };
  const foundOf = (ref: InstanceRef) => {
    const one = world.find(ref);
    return one === undefined ? ({ is: 'gone', engine: world.engine } as const) : observedOf(one, world.engine);
  };

  /** The name stops the twin: what runs or ran under this ref is not begun again. */
  const beginOnce = (ref: InstanceRef, script: Script, { spec }: Run): FakeInstance => {
    const known = world.find(ref);
    return known === undefined || known.is === 'created' ? world.begin(ref, script, spec.notify !== null) : known;
  };

  return {
    restarts: 'agent',
    ping: (call) => read('ping', null, call, () => {}),
    facts: (call) =>
      read('facts', null, call, () => ({
        engine: world.engine,
        name: 'fake',
        version: '1',
        limits: { memory: 'hard', cpu: 'hard', pids: 'hard', gpuMemory: 'none' },
        gpus: [],
        outlives: { agent: true, engine: true },
        notes: [],
      })),
    check: (spec) => unhonoured(spec, 'fake'),
    resolve: (spec, call) =>
      read('resolve', null, call, () => {
        const command = JSON.stringify([spec.command, spec.options]);
        return { digest: `sha256:${createHash('sha256').update(command).digest('hex')}`, inputs: { command }, data: null };
      }),
    prepare: ({ spec }, call) =>
      orAborted(
        call,
        'unknown',
        (async () => {
          world.note('prepare', null);
          const { prepare = 'ok', failure: over } = world.nextScript(spec.name);
          if (prepare === 'hang') return never<void>();
          if (prepare === 'fail') throw failure('internal', 'no', 'the script says that preparing fails', over);
        })(),
      ),
    start: (ref, run, call) =>
      change('start', ref, call, async () => {
        const known = world.find(ref);
        if (known !== undefined && known.ref.generation !== ref.generation) {
          throw failure('conflict', 'no', `instance ${ref.instance} exists in generation ${known.ref.generation}`);
        }
        if (known !== undefined && known.is !== 'created') return observedOf(known, world.engine);
        const script = world.takeScript(ref.worker);
        const { start = 'ok', startAfterMs = 0, lateMs = 1_000, failure: over } = script;
        if (startAfterMs > 0) await clock.sleep(startAfterMs);
        if (start === 'hang') return never();
        if (start === 'fail') throw failure('internal', 'no', 'the script says that this start fails', over);
        if (start === 'late') {
          clock.after(lateMs, () => void beginOnce(ref, script, run));
          throw failure('timeout', 'unknown', 'the script loses this reply; the start is carried out later', over);
        }
        const made = beginOnce(ref, script, run);
        if (start === 'lost-reply') throw failure('timeout', 'unknown', 'the script loses this reply; the start was carried out', over);
        return observedOf(made, world.engine);
      }),
    inspect: ({ ref }, call) => read('inspect', ref, call, () => foundOf(ref)),
    list: (agent, call) =>
      read('list', null, call, () => ({
        engine: world.engine,
        instances: world
          .listed(agent)
          .map((one) => ({ ref: one.ref, handle: { version: 1, data: World.handleData(one.ref) }, is: one.is, health: one.health })),
      })),
    watch: (agent, signal) => fakeWatch(world, agent, signal),
    stop: ({ ref }, how, call) =>
      change('stop', ref, call, async () => {
        const one = world.find(ref);
        if (one === undefined || one.is !== 'running') return foundOf(ref);
        const { stop = 'ok' } = one.script;
        if (stop === 'hang') return never();
        if (stop === 'ignore') await clock.sleep(how.graceMs);
        world.end(ref, { signal: stop === 'ignore' ? 'SIGKILL' : (how.signal ?? 'SIGTERM') });
        if (stop === 'lost-reply') throw failure('timeout', 'unknown', 'the script loses this reply; the stop was carried out');
        return foundOf(ref);
      }),
    remove: ({ ref }, call) =>
      change('remove', ref, call, async () => {
        if (world.find(ref)?.is === 'running') throw failure('conflict', 'no', `instance ${ref.instance} is running: stop it first`);
        world.forget(ref);
      }),
    logs: ({ ref }, from, follow, call) => fakeLogs(world, ref, from, follow, call.signal),
    signal: ({ ref }, name, call) =>
      change('signal', ref, call, async () => {
        if (world.find(ref)?.is !== 'running') throw failure('not-running', 'no', `instance ${ref.instance} does not run`);
        if (name === 'SIGKILL') world.end(ref, { signal: name });
      }),
    notified: ({ ref }, call) =>
      read('notified', ref, call, () => {
        const one = world.find(ref);
        if (one === undefined) throw failure('not-found', 'no', `there is no instance ${ref.instance} of ${ref.worker}`);
        return one.said;
      }),
    close: async () => {},
  };
}
