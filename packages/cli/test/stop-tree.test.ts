import { startTestAgent, type TestAgent, waitFor } from '@ostler/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { sleepers, someSeconds } from '../../process/src/driver/fixtures/sleepers.ts';

const abilities = JSON.parse(process.env['OSTLER_ABILITIES'] ?? '{}') as Readonly<Record<string, string | null>>;
const isRoot = process.getuid?.() === 0;
const users = [
  { name: 'as this user', user: undefined, isPossible: true },
  { name: 'as an ordinary user', user: { uid: 65_534, gid: 65_534 }, isPossible: abilities['ordinary-user'] === null && isRoot },
] as const;

let agent: TestAgent | undefined;
afterEach(async () => {
  await agent?.request('POST', '/v1/down', { waitMs: 30_000 });
  await agent?.stop();
  agent = undefined;
}, 60_000);

for (const { name, user, isPossible } of users)
  describe.skipIf(!isPossible)(`stop, ${name}`, () => {
    test.each([
      ['that kept its mark', `trap '' TERM; (setsid sh -c "trap '' TERM; exec sleep SECONDS" &) ; while :; do sleep 1; done`],
      // Still a child when the stop begins, an orphan of its own session afterwards.
      // An orphan from the first moment, without mark, session or parent: what it still has is the worker's output.
      // Nor the output: its limits are all that leads to it.
      ['that left nothing of it to be seen', `(setsid env -i PATH="$$PATH" sleep SECONDS </dev/null >/dev/null 2>&1 &) ; while :; do sleep 1; done`],
      ['that is a daemon without its mark', `(setsid env -i PATH="$$PATH" sleep SECONDS &) ; while :; do sleep 1; done`],
      ['that dropped its environment', `trap 'exit 0' TERM; setsid env -i PATH="$$PATH" sleep SECONDS & while :; do sleep 1; done`],
    ])('leaves nothing of a worker that forks, leaves its session and ignores SIGTERM, of a child %s', { timeout: 60_000 }, async (_, shell) => {
      const seconds = someSeconds();
      agent = await startTestAgent({
        hostFile: {
          ostler: 1,
          host: 'test',
          workers: { stubborn: { runtime: 'native', shell: shell.replace('SECONDS', String(seconds)), stop: { grace: '1s' } } },
        },
        ...(user === undefined ? {} : { user }),
      });
      await waitFor('it has forked', () => sleepers(seconds).length === 1);
      const { status, body } = await agent.request('POST', '/v1/workers/stubborn/stop', { waitMs: 30_000 });
      expect([status, (body as { outcome: string }).outcome]).toEqual([200, 'done']);
      expect(sleepers(seconds)).toEqual([]);
    });
  });
