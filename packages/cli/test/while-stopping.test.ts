import { startTestAgent, type TestAgent, waitFor } from '@ostler/testkit';
import { afterEach, expect, test } from 'vitest';
import { run, start } from '../src/fixtures/command.ts';

let agent: TestAgent | undefined;
afterEach(async () => {
  await agent?.request('POST', '/v1/down', { waitMs: 30_000 });
  await agent?.stop();
  agent = undefined;
}, 60_000);

const ostler = (...args: string[]) => run([...args, '--socket', agent!.socket]);
const stateOf = async (name: string) => ((await agent!.ps()) as { workers: { name: string; state: string }[] }).workers.find((one) => one.name === name)?.state;

test('a worker that hangs while it is being stopped can be looked into with exec, and ended at once with kill', { timeout: 60_000 }, async () => {
  const shell = "trap '' TERM; echo up; while :; do sleep 0.1; done";
  agent = await startTestAgent({ hostFile: { ostler: 1, host: 'test', workers: { web: { runtime: 'native', shell, stop: { grace: '10m' } } } } });
  await waitFor('it has begun', async () => (await ostler('logs', 'web')).stdout === 'up\n');
  const stopping = start(['stop', 'web', '--socket', agent.socket]);
  await waitFor('it is being stopped', async () => (await stateOf('web')) === 'stopping');
  expect(await run(['exec', '--socket', agent.socket, 'web', '--', 'sh', '-c', 'echo $OSTLER_WORKER'])).toEqual({ code: 0, stdout: 'web\n', stderr: '' });
  expect(await ostler('kill', '-s', 'KILL', 'web')).toMatchObject({ code: 0 });
  expect(await stopping.ended).toMatchObject({ code: 0 });
  expect(await stateOf('web')).toBe('stopped');
  expect(await ostler('kill', 'web')).toMatchObject({ code: 1, stderr: expect.stringContaining('web is not running') });
});
