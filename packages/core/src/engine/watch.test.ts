import { type EngineFacts, runtimeFailure } from '@ostler/sdk';
import { fakeClock } from '@ostler/testkit';
import { expect, test } from 'vitest';
import { StuckCalls } from '../base/stuck-calls.ts';
import { type EngineGiven, watchEngine } from './index.ts';

const facts: EngineFacts = {
  ...{ engine: 'e1', name: 'fake', version: '1', limits: { memory: 'hard', cpu: 'hard', pids: 'hard', gpuMemory: 'none' }, gpus: [] },
  ...{ outlives: { agent: true, engine: true }, notes: [] },
};
function watched(driver: Partial<EngineGiven['driver']>) {
  const clock = fakeClock();
  const stuck = new StuckCalls();
  const states: string[] = [];
  const asked = { ping: 0, facts: 0 };
  const watch = watchEngine({
    ...{ runtime: 'fake', plugin: 'p', clock, stuck, onChange: (state) => states.push(state.state) },
    driver: {
      ping: (call) => {
        asked.ping += 1;
        return driver.ping?.(call) ?? Promise.resolve();
      },
      facts: (call) => {
        asked.facts += 1;
        return driver.facts?.(call) ?? Promise.resolve(facts);
      },
    },
  });
  return { clock, stuck, states, watch, asked };
}

test('an engine that answers is up and is asked on and on', async () => {
  const { clock, watch, states, asked } = watched({});
  await clock.advance(59_000);
  expect(watch.state()).toMatchObject({ state: 'up', reason: null, facts });
  expect(states).toEqual(['up']);
  expect(asked.ping).toBeGreaterThan(8);
  expect(asked.facts).toBe(2);
  watch.close();
});
test('one lost ping is bad luck, two are an engine that is down, and one answer brings it back', async () => {
  let lost = 0;
  const lose = async <T>(answer: T): Promise<T> => {
    lost -= 1;
    if (lost >= 0) throw runtimeFailure({ code: 'timeout', outcome: 'no', retryable: true, message: 'no answer' });
    return answer;
  };
  const { clock, watch, states } = watched({ ping: () => lose(undefined), facts: () => lose(facts) });
  await clock.advance(10_000);
  lost = 1;
  await clock.advance(10_000);
  expect(states).toEqual(['up']);
  lost = 2;
  await clock.advance(1000);
  expect(watch.state()).toMatchObject({ state: 'down', reason: 'no answer' });
  await clock.advance(10_000);
  expect(states).toEqual(['up', 'down', 'up']);
  watch.close();
});
test('a call that never ends marks it down, is listed as stuck, and is not repeated', async () => {
  const { clock, watch, stuck, asked } = watched({ facts: () => new Promise(() => {}) });
  await clock.advance(120_000);
  expect(watch.state()).toMatchObject({ state: 'down' });
  expect(stuck.list().map(({ name }) => name)).toEqual(['facts of fake']);
  expect(asked.facts).toBe(1);
  watch.close();
});
test('an engine that answers no ping is down after two of them, however long its facts may take', async () => {
  let isHung = false;
  const hang = <T>(answer: T, signal: AbortSignal): Promise<T> =>
    isHung ? new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))) : Promise.resolve(answer);
  const { clock, watch } = watched({ ping: (call) => hang(undefined, call.signal), facts: (call) => hang(facts, call.signal) });
  await clock.advance(1000);
  isHung = true;
  await clock.advance(5000 + 2 * 2000 + 250);
  expect(watch.state()).toMatchObject({ state: 'down', reason: expect.stringContaining('ping of fake was not done within 2000 ms') });
  watch.close();
});
test('a suspicion is looked into at once, and again when a call was out already', async () => {
  let answer = (): void => {};
  const { clock, watch, asked } = watched({ ping: () => new Promise((resolve) => (answer = resolve)) });
  await clock.advance(1000);
  watch.suspect();
  await clock.advance(1);
  expect(asked.ping).toBe(1);
  await clock.advance(500);
  watch.suspect();
  answer();
  await clock.advance(251);
  expect(asked.ping).toBe(2);
  watch.close();
});
test('a suspicion that follows the answer to another is looked into as soon as it may', async () => {
  const { clock, watch, asked } = watched({});
  await clock.advance(1000);
  watch.suspect();
  await clock.advance(1);
  expect(asked.ping).toBe(1);
  await clock.advance(100);
  watch.suspect();
  watch.suspect();
  await clock.advance(1);
  expect(asked.ping).toBe(1);
  await clock.advance(150);
  expect(asked.ping).toBe(2);
  await clock.advance(1000);
  expect(asked.ping).toBe(2);
  watch.close();
});
test('closing ends the call that is out', async () => {
  let signal: AbortSignal | null = null;
  const { clock, watch, states } = watched({
    facts: (call) => {
      signal = call.signal;
      return new Promise(() => {});
    },
  });
  await clock.advance(100);
  watch.close();
  await watch.ready();
  expect(signal).toMatchObject({ aborted: true });
  expect(states).toEqual([]);
});
