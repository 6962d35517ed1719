import { startTestAgent, type TestAgent, waitFor } from '@ostler/testkit';
import { afterEach, describe, expect, test } from 'vitest';

/** `db`, and `app` that depends on it and ignores the signal for four seconds. */
const hostFile = {
  ostler: 1,
  host: 'test',
  workers: {
    db: { runtime: 'native', command: ['sleep', '1000'], health: { minUp: '100ms' } },
    app: {
      ...{ runtime: 'native', shell: `trap '' TERM; while :; do sleep 0.1; done`, dependsOn: { db: 'started' } },
      ...{ health: { minUp: '100ms' }, stop: { grace: '4s' } },
    },
  },
};

let agent: TestAgent | undefined;
afterEach(async () => {
  await agent?.request('POST', '/v1/down', { waitMs: 30_000 });
  await agent?.stop();
  agent = undefined;
}, 60_000);

interface Ps {
  readonly workers: readonly { readonly name: string; readonly state: string; readonly native: { readonly pid: number | null } | null }[];
}
const states = async (here: TestAgent): Promise<string> => ((await here.ps()) as Ps).workers.map(({ name, state }) => `${name} ${state}`).join(', ');

/** Both run, `down` was asked for, and `app` is being stopped. */
async function goingDown(waitMs: number) {
  agent = await startTestAgent({ hostFile });
  const here = agent;
  await waitFor('both run', async () => (await states(here)) === 'app healthy, db healthy');
  const answer = here.request('POST', '/v1/down', { waitMs }).catch(() => null);
  await waitFor('the first is being stopped', async () => (await states(here)).startsWith('app stopping'));
  return { here, answer };
}

describe('a down of everything', () => {
  test.each([
    ['is killed', (here: TestAgent) => here.kill9()],
    ['is ended, and leaves its workers', (here: TestAgent) => here.request('POST', '/v1/down', { agent: true })],
  ])('is carried through by the next agent where the one that was asked %s', { timeout: 90_000 }, async (_, end) => {
    const { here, answer } = await goingDown(60_000);
    await end(here);
    await answer;
    await here.kill9().catch(() => {});
    await here.restart();
    await waitFor('all is down', async () => (await states(here)) === 'app stopped, db stopped', 30_000);
  });

  test('that is waited for no longer goes on, and what is started then runs', { timeout: 90_000 }, async () => {
    const { here, answer } = await goingDown(1000);
    expect((await answer)?.body).toMatchObject({ outcome: 'not-finished' });
    await waitFor('all is down', async () => (await states(here)) === 'app stopped, db stopped', 30_000);
    await here.request('POST', '/v1/workers/db/start', { waitMs: 10_000 });
    expect(await states(here)).toBe('app stopped, db healthy');
  });
});
