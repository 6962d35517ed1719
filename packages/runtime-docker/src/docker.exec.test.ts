import { setTimeout as sleep } from 'node:timers/promises';
import type { Observed, Target } from '@ostler/sdk';
import { waitFor, within } from '@ostler/testkit';
import { describe, expect, test } from 'vitest';
import { execInside } from './container/exec.ts';
import type { Ask, Connection } from './engine/connection.ts';
import type { ContainerJson } from './engine/json.ts';
import { abortFailure } from './errors.ts';
import { testDockerd } from './fixtures/dockerd.ts';
import { ownEngine } from './fixtures/own-engine.ts';
import { callFor } from './fixtures/scripted-engine.ts';

const abilities = JSON.parse(process.env['OSTLER_ABILITIES'] ?? '{}') as Readonly<Record<string, string | null>>;

describe.skipIf(abilities['docker'] !== null)('a command in a container', { timeout: 60_000 }, () => {
  const { raw, d } = ownEngine(testDockerd());

  const look = async ({ handle }: Observed): Promise<ContainerJson> => {
    const { id } = handle.data as { readonly id: string };
    return (await raw.json<ContainerJson>({ path: `/containers/${id}/json`, what: 'look', signal: callFor(5000).signal })).value;
  };
  /** How long each `sleep` in it sleeps. */
  const sleeps = async (target: Target): Promise<readonly string[]> => {
    const { stdout } = await d.driver.exec(target, ['ps'], { tty: false }, d.call());
    let text = '';
    for await (const bytes of stdout) text += Buffer.from(bytes).toString('utf8');
    return [...text.matchAll(/^ *\d+ +\w+ +(?:\d+:\d\d +)?sleep (\d+)$/gm)].map(([, seconds]) => seconds ?? '');
  };

  test('that is called off ends with all that it has begun', async () => {
    const { target } = await d.start(['sleep', '60']);
    const caller = new AbortController();
    const script = 'sleep 5001 & setsid sh -c "sleep 5002; true" & sh -c "sleep 5003; true"';
    const session = await d.driver.exec(target, ['/bin/sh', '-c', script], { tty: false }, callFor(30_000, caller.signal));
    await waitFor('it has begun all', async () => (await sleeps(target)).length === 4);
    caller.abort();
    expect(await within('it ends', 5000, session.exit)).toBe(137);
    await waitFor('nothing of it is left', async () => (await sleeps(target)).join() === '60');
  });

  test('that is called off while the engine starts it ends too', async () => {
    const { target, observed } = await d.start(['sleep', '60']);
    const caller = new AbortController();
    const slow = Object.create(raw) as Connection;
    slow.json = (ask) => raw.json(ask);
    slow.upgrade = async (ask) => {
      await raw.upgrade({ ...ask, signal: callFor(5000).signal });
      caller.abort();
      throw abortFailure({ what: ask.what, isMutating: true }, true);
    };
    const session = await execInside(slow, await look(observed), 'web', ['sleep', '5005'], { tty: false }, callFor(30_000, caller.signal));
    expect(await within('it ends', 5000, session.exit)).toBe(137);
    expect(await sleeps(target)).toEqual(['60']);
  });

  test('that is called off and cannot be killed from here is over when the engine says so, which is asked ever more slowly', async () => {
    const { target, observed } = await d.start(['sleep', '60']);
    let looks = 0;
    // The pids of an engine elsewhere say nothing here.
    const elsewhere = Object.create(raw) as Connection;
    elsewhere.json = async <T>(ask: Ask) => {
      const answer = await raw.json<T>(ask);
      if (!ask.path.startsWith('/exec/')) return answer;
      looks += 1;
      return { ...answer, value: { ...answer.value, Pid: 0 } };
    };
    elsewhere.upgrade = (ask) => raw.upgrade(ask);
    const caller = new AbortController();
    const until = ['/bin/sh', '-c', 'until test -e /tmp/end; do sleep 0.1; done'];
    const session = await execInside(elsewhere, await look(observed), 'web', until, { tty: false }, callFor(30_000, caller.signal));
    caller.abort();
    expect(await Promise.race([session.exit, sleep(7000, 'it runs')])).toBe('it runs');
    expect(looks).toBeLessThan(15);
    await d.driver.exec(target, ['touch', '/tmp/end'], { tty: false }, d.call());
    expect(await within('it ends', 10_000, session.exit)).toBe(0);
  });
});
