import { describe, expect, test } from 'vitest';
import type { Phase } from '../store/index.ts';
import { type Life, type LifeEvent, newLife, type Scene } from './life.ts';
import { afterExit, delayMs } from './restart.ts';
import { table, transition } from './transition.ts';

const phases: readonly Phase[] = ['idle', 'waiting', 'preparing', 'starting', 'running', 'stopping', 'unresolved', 'backoff', 'done', 'failed'];
const at = '2030-01-01T00:00:00.000Z';
const rules: Scene['rules'] = {
  kind: 'service',
  restart: {
    policy: 'always',
    backoff: { firstMs: 0, minMs: 1000, maxMs: 60_000, factor: 2, jitter: 0.2 },
    resetAfterMs: 600_000,
    giveUp: null,
    successCodes: [0],
    ...{ memoryAboveBytes: null, maxAgeMs: null, at: null },
  },
  stop: { signal: 'SIGTERM', graceMs: 10_000 },
  health: {
    ...{ probes: [], image: false, intervalMs: 10_000, timeoutMs: 5000, startPeriodMs: 0, startIntervalMs: 1000, retries: 3, successes: 1, minUpMs: 10_000 },
    onUnhealthy: 'restart',
  },
  ...{ dependsOn: [], schedule: null, secrets: { files: [], env: {}, visibleInInspect: false }, priority: 500, onSecretChange: 'restart' },
  update: { strategy: 'recreate', healthyWithinMs: 60_000, stableForMs: 10_000, onFailure: 'rollback' },
};
const scene: Scene = {
  at,
  nowMs: Date.parse(at),
  rules,
  newInstance: () => 'i2',
  random: 0.5,
  isDefined: true,
  isRunOfSchedule: false,
  missing: null,
  dependencies: {},
  nextDueAt: null,
};
const life = (phase: Phase, over: Partial<Life> = {}): Life => ({
  ...{
    ...newLife(at),
    phase,
    generation: 1,
    instance: 'i1',
    instanceGeneration: 1,
    epoch: 7,
    unresolved: phase === 'unresolved' ? 'start' : null,
    startedMs: scene.nowMs,
  },
  ...over,
});
const seen = { instance: 'i1', handle: { version: 1, data: null }, engine: 'e1' };
const failure = { code: 'timeout', outcome: 'unknown', retryable: true, message: 'no answer' } as const;
const exit = { code: 1, signal: null, at, oom: 'no', evidence: 'holder' } as const;

const events: { readonly [T in LifeEvent['type']]: Extract<LifeEvent, { type: T }> } = {
  start: { type: 'start', by: 'user', cause: 'user' },
  hold: { type: 'hold', by: 'user', cause: 'held' },
  remove: { type: 'remove', by: 'apply' },
  restart: { type: 'restart', by: 'user', cause: 'restart' },
  declare: { type: 'declare', generation: 2, fields: ['env'], isNew: false, runtime: 'fake' },
  due: { type: 'due', at },
  missed: { type: 'missed', at, count: 2, isAtLeast: false, why: 'no agent ran' },
  run: { type: 'run', by: 'user' },
  cancel: { type: 'cancel', by: 'user', epoch: 7 },
  wait: { type: 'wait', for: 'db to be healthy', epoch: 7 },
  ready: { type: 'ready', epoch: 7 },
  prepared: { type: 'prepared', epoch: 7 },
  'prepare-failed': { type: 'prepare-failed', epoch: 7, message: 'no', code: 'internal' },
  'start-failed': { type: 'start-failed', epoch: 7, failure, isAsked: true },
  'stop-failed': { type: 'stop-failed', epoch: 7, failure },
  running: { type: 'running', seen: { ...seen, startedAt: at, pid: 1 }, how: 'adopted', tookMs: 1 },
  created: { type: 'created', seen, isWithEngine: false },
  exited: { type: 'exited', seen, exit, left: [], stopSignal: 'SIGTERM', lastLines: [], isWithEngine: false },
  gone: { type: 'gone', seen, isSameEngine: true, isWithEngine: false },
  alarm: { type: 'alarm', epoch: 7 },
  healthy: { type: 'healthy', instance: 'i1', afterMs: 1 },
  unhealthy: { type: 'unhealthy', instance: 'i1', evidence: 'e', failures: 3 },
  overdone: { type: 'overdone', instance: 'i1', cause: 'memory', evidence: 'e' },
  steady: { type: 'steady', instance: 'i1' },
  blind: { type: 'blind', reason: 'down', runtime: 'fake' },
  sighted: { type: 'sighted' },
};
const moved = (from: Life, event: LifeEvent, on: Scene = scene) => {
  const result = transition(from, event, on);
  return result.is === 'moved' ? result.move : null;
};

describe('the table', () => {
  const wants = [{}, { want: 'held', heldBy: 'user' }, { want: 'removed' }, { blind: { since: at, reason: 'down' } }] as const;
  test('decides every event in every phase, whatever is wanted, and never throws', () => {
    expect(Object.keys(table).sort()).toEqual(Object.keys(events).sort());
    for (const event of Object.values(events)) {
      expect(Object.keys(table[event.type]).sort()).toEqual([...phases].sort());
      for (const phase of phases)
        for (const over of wants) expect(['moved', 'ignored', 'impossible']).toContain(transition(life(phase, over), event, scene).is);
    }
  });
  test('what is to be removed comes back by its declaration alone: neither by a start, a restart or a run, nor where all holds are lifted', () => {
    for (const event of [events.start, { ...events.start, cause: 'release' } as const, events.restart, events.run])
      for (const phase of phases) expect(moved(life(phase, { want: 'removed', heldBy: 'apply' }), event), `${event.type} in ${phase}`).toBeNull();
    expect(moved(life('stopping', { want: 'removed', heldBy: 'apply' }), events.declare)?.life).toMatchObject({ want: 'run', onward: 'start' });
  });
  test('who asks for a start while it is stopped because it was given a schedule gets one: it does not rest until it is due', () => {
    const cron = { ...scene, rules: { ...rules, kind: 'cron' } } as const;
    const stopping = life('stopping', { generation: 2, stopCause: 'changed', onward: 'start' });
    for (const phase of ['stopping', 'unresolved'] as const)
      for (const [asked, then] of [
        [null, 'idle'],
        [events.start, 'waiting'],
        [{ ...events.start, cause: 'release' }, 'idle'],
        [events.restart, 'waiting'],
        [{ ...events.restart, cause: 'dependency' }, 'idle'],
      ] as const) {
        const before: Life = { ...stopping, phase, unresolved: phase === 'stopping' ? null : 'stop' };
        const on = asked === null ? before : (moved(before, asked, cron)?.life ?? before);
        // What it is being stopped for is what it was stopped for.
        expect(on).toMatchObject({ stopCause: 'changed', reason: before.reason });
        expect(moved(on, events.exited, cron)?.life.phase, `${asked?.type} ${asked?.cause} in ${phase}`).toBe(then);
      }
  });
  test('who asks for a start while it is stopped for what it did, or because its run was called off, gets one at once', () => {
    const never = { ...scene, rules: { ...rules, restart: { ...rules.restart, policy: 'never' } } } as const;
    for (const stopCause of ['cancelled', 'timeout', 'unhealthy', 'memory'] as const)
      for (const phase of ['stopping', 'unresolved'] as const)
        for (const [asked, then] of [
          [null, 'failed'],
          [events.start, 'waiting'],
          [events.restart, 'waiting'],
        ] as const) {
          const before = life(phase, {
            stopCause,
            onward: stopCause === 'cancelled' ? 'rest' : 'start',
            failures: 2,
            unresolved: phase === 'stopping' ? null : 'stop',
          });
          const on = asked === null ? before : (moved(before, asked, never)?.life ?? before);
          const after = moved(on, events.exited, never)?.life;
          expect(after, `${asked?.type} in ${phase} (${stopCause})`).toMatchObject(asked === null ? { phase: then } : { phase: then, failures: 0 });
        }
  });
  test('what is not well is held by its health only where it is to run: it stays removed, or held by whoever held it', () => {
    const on = { ...scene, rules: { ...rules, health: { ...rules.health, onUnhealthy: 'stop' } } } as const;
    const blind = { since: at, reason: 'down' };
    expect(moved(life('running', { blind }), events.unhealthy, on)?.life).toMatchObject({ want: 'held', heldBy: 'health' });
    for (const wish of [
      { want: 'removed', heldBy: 'apply' },
      { want: 'held', heldBy: 'user' },
    ] as const)
      expect(moved(life('running', { blind, ...wish }), events.unhealthy, on)?.life).toMatchObject({ ...wish, health: 'bad' });
  });
  test('that nothing of it is anywhere needs no sight: declared on another runtime, it does not wait for the one that it leaves', () => {
    const blind = { since: at, reason: 'down' };
    const declare: LifeEvent = { ...events.declare, runtime: 'other' };
    expect(moved(life('waiting', { blind, instance: null, instanceGeneration: null }), declare)?.life.blind).toBeNull();
    expect(moved(life('waiting', { blind }), declare)?.life.blind).toEqual(blind);
  });
  test('makes no mutating call while the runtime cannot be asked', () => {
    for (const event of Object.values(events))
      for (const phase of phases) {
        const move = moved(life(phase, { blind: { since: at, reason: 'down' } }), event);
        if (move === null || move.life.blind === null) continue;
        // What an answer of the runtime itself leads to is not blind: the supervisor says `sighted` before it tells it.
        if ('seen' in event || ['prepared', 'start-failed', 'stop-failed', 'prepare-failed'].includes(event.type)) continue;
        expect(
          move.effects.filter((effect) => effect.do === 'start' || effect.do === 'stop'),
          `${event.type} in ${phase}`,
        ).toEqual([]);
      }
  });
  test('gives a new instance only after the last one was seen ended, gone or never started', () => {
    for (const event of Object.values(events))
      for (const phase of ['starting', 'running', 'stopping', 'unresolved'] as const) {
        const move = moved(life(phase), event);
        expect(move?.life.instance ?? 'i1', `${event.type} in ${phase}`).toBe('i1');
      }
  });
  test('a start slot that was given is not taken up once a dependency has gone: it was given to another by then', () => {
    expect(moved(life('waiting'), events.ready)?.life.phase).toBe('preparing');
    expect(moved(life('waiting'), events.ready, { ...scene, missing: 'db to be healthy' })).toBeNull();
  });
  test('what its engine has forgotten while it was stopped has stopped, by the journal too', () => {
    for (const [phase, unresolved] of [
      ['stopping', null],
      ['unresolved', 'stop'],
    ] as const) {
      const move = moved(life(phase, { unresolved, stopCause: 'unhealthy', onward: 'start' }), events.created);
      expect(move?.facts.map(({ type }) => type)[0], phase).toBe('worker.stopped');
    }
  });
  test.each([
    ['SIGTERM', 'SIGKILL', 'SIGKILL', true],
    ['SIGKILL', 'SIGTERM', 'SIGKILL', false],
    [null, 'SIGTERM', 'SIGKILL', true],
    [null, 'SIGQUIT', 'SIGQUIT', false],
    [null, 'SIGKILL', 'SIGKILL', false],
  ])('told %s by the file and %s by the image, it was killed by its %s: %s', (signal, stopSignal, ended, wasKilled) => {
    const event = { ...events.exited, exit: { ...exit, code: null, signal: ended }, stopSignal };
    const move = moved(life('stopping'), event, { ...scene, rules: { ...rules, stop: { signal, graceMs: 10_000 } } });
    expect(move?.facts.find(({ type }) => type === 'worker.stopped')?.data).toMatchObject({ wasKilled });
  });
  test('a start that is made again keeps its name until the runtime was asked: what another agent had asked for may still come under it', () => {
    const refused = { ...failure, code: 'internal', outcome: 'no' } as const;
    const after = (isAsked: boolean) =>
      moved(life('starting', { startCause: 'again', mayCome: true }), { ...events['start-failed'], failure: refused, isAsked })?.life.startCause;
    expect([after(false), after(true)]).toEqual(['again', 'start-failed']);
  });
  test('an engine that fails while it prepares is no failure of the worker, as while it starts', () => {
    for (const code of ['engine-down', 'engine-hung']) {
      const waits = { phase: 'backoff', failures: 2, failingSince: null, startCause: 'declared' } as const;
      expect(moved(life('preparing', { failures: 2 }), { ...events['prepare-failed'], code })?.life, code).toMatchObject(waits);
      const failed = { ...events['start-failed'], failure: { ...failure, code, outcome: 'no' } as const, isAsked: true };
      expect(moved(life('starting', { failures: 2 }), failed as LifeEvent)?.life, code).toMatchObject(waits);
    }
    expect(moved(life('preparing', { failures: 2 }), events['prepare-failed'])?.life).toMatchObject({ phase: 'backoff', failures: 3 });
  });
  test('after an unknown outcome nothing but the inspection follows', () => {
    expect(moved(life('starting'), events['start-failed'])).toMatchObject({ life: { phase: 'unresolved' }, effects: [{ do: 'inspect' }] });
    expect(moved(life('unresolved'), events.gone)).toMatchObject({ life: { phase: 'starting', instance: 'i1' }, effects: [{ do: 'start' }] });
  });
  test('what was found after the store was lost, and is gone, is not waited for under its name when nobody knows what it was', () => {
    const lost = { ...scene, isDefined: false };
    expect(moved(life('unresolved'), events.gone, lost)).toMatchObject({ life: { phase: 'waiting', mayCome: false }, effects: [] });
    expect(moved(life('preparing', { mayCome: true }), events.prepared, lost)?.life).toMatchObject({ phase: 'starting', instance: 'i2', mayCome: false });
    expect(moved(life('preparing', { mayCome: true }), events.prepared)?.life).toMatchObject({ phase: 'starting', instance: 'i1' });
  });
  test('gone from another store of the engine is no evidence', () => {
    const move = moved(life('running'), { ...events.gone, isSameEngine: false });
    expect(move).toMatchObject({ life: { phase: 'running', instance: 'i1' }, effects: [] });
    expect(move?.life.blind).not.toBeNull();
  });
  test('that another store of its engine answers is told also of what was out of sight before, once', () => {
    const elsewhere = { ...events.gone, isSameEngine: false };
    const since = '2029-12-31T23:00:00.000Z';
    const move = moved(life('running', { blind: { since, reason: 'docker went away' } }), elsewhere);
    expect(move?.life.blind).toEqual({ since, reason: expect.stringMatching(/^engine-replaced/) });
    expect(move?.facts.map(({ type }) => type)).toEqual(['worker.blind']);
    expect(moved(move!.life, elsewhere)).toBeNull();
  });
  test('a result of an older epoch changes nothing', () => {
    expect(transition(life('starting'), { ...events['start-failed'], epoch: 6 }, scene).is).toBe('ignored');
  });
  test('a start is not intended when a dependency ceased to hold at that instant', () => {
    expect(moved(life('preparing'), events.prepared, { ...scene, missing: 'db to be healthy' })).toMatchObject({ life: { phase: 'waiting' }, effects: [] });
  });
  test('a shutdown is no hold: the next agent starts the worker again', () => {
    const stopping = moved(life('running'), { type: 'hold', by: 'agent', cause: 'shutdown' });
    const stopped = moved({ ...stopping!.life }, { ...events.exited, exit: { ...exit, code: null, signal: 'SIGTERM' } });
    expect(stopped?.life).toMatchObject({ phase: 'idle', want: 'run' });
    expect(moved(stopped!.life, { type: 'start', by: 'agent', cause: 'release' })?.life.phase).toBe('waiting');
  });
});

test.each(phases)('a start and a restart by hand lift the hold of a worker that is %s', (phase) => {
  for (const event of [events.start, events.restart]) {
    const decided = transition(life(phase, { want: 'held', heldBy: 'user' }), event, scene);
    if (decided.is !== 'moved') throw new Error(`${event.type} is ${decided.is}`);
    expect(decided.move.life).toMatchObject({ want: 'run', heldBy: null });
    expect(decided.move.facts).toContainEqual({ type: 'worker.released', data: { by: 'user' } });
  }
});

describe('after an exit', () => {
  const after = (policy: Scene['rules']['restart']['policy'], code: number, failures = 0) =>
    afterExit({ ...rules, restart: { ...rules.restart, policy } }, { code, signal: null }, 100, failures, 0.5);
  test('the policy decides', () => {
    expect([after('always', 0).is, after('always', 1).is]).toEqual(['again', 'again']);
    expect([after('on-failure', 0).is, after('on-failure', 1).is]).toEqual(['done', 'again']);
    expect([after('on-success', 0).is, after('on-success', 1).is]).toEqual(['again', 'failed']);
    expect([after('never', 0).is, after('never', 1).is]).toEqual(['done', 'failed']);
  });
  test('a signal is never a success', () => {
    expect(afterExit({ ...rules, restart: { ...rules.restart, policy: 'on-failure' } }, { code: null, signal: 'SIGTERM' }, 1, 0, 0.5).is).toBe('again');
  });
  test('the delay begins at first, grows by the factor, ends at max, within the jitter', () => {
    const delays = [1, 2, 3, 4, 9, 500].map((failures) => delayMs(rules.restart, failures, 0.5));
    expect(delays).toEqual([0, 1000, 2000, 4000, 60_000, 60_000]);
    expect([delayMs(rules.restart, 3, 0), delayMs(rules.restart, 3, 0.999_999)]).toEqual([1600, 2400]);
  });
  test('it is given up after that many failures in a row, and a long run forgets them', () => {
    const limited = { ...rules, restart: { ...rules.restart, giveUp: 3 } };
    expect(afterExit(limited, { code: 1, signal: null }, 100, 3, 0.5)).toMatchObject({ is: 'failed', failures: 4 });
    expect(afterExit(limited, { code: 1, signal: null }, 600_000, 3, 0.5)).toMatchObject({ is: 'again', failures: 1 });
  });
});
