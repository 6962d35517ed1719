import { expect, test } from 'vitest';
import { type ScriptedHost, scriptedHost } from '../supervise/fixtures/host.ts';
import type { Parts } from './parts.ts';
import { whyOf } from './why.ts';

async function why(host: ScriptedHost): Promise<string> {
  const crew = host.crew();
  const parts = { crew, journal: crew.services.journal, pending: () => new Set(), hostFile: () => null, hostFileProblem: () => null } as unknown as Parts;
  return (await whyOf(parts, 'api')).lines.join('\n').replaceAll(/\s+/g, ' ');
}
const end = (host: ScriptedHost, exit: { code: number } | { signal: string }): void => host.world.end(host.world.live('api')[0]!, exit);

test('an end by a signal that was sent by hand is not said to be somebody else’s, also where the worker made an exit code of it', async () => {
  const host = await scriptedHost();
  await host.declare('api');
  for (const exit of [{ signal: 'SIGUSR1' }, { code: 3 }]) {
    await host.clock.advance(1000);
    await host.crew().get('api')!.signal('SIGUSR1', 'the command');
    end(host, exit);
    await host.clock.settle();
    const text = await why(host);
    expect(text).toContain('It had been sent SIGUSR1 at');
    expect(text).toContain('by hand, with `ostler kill`.');
    expect(text).not.toMatch(/Not by ostler|Nobody had asked/);
    await host.clock.advance(5000);
  }
});

test('an end by the signal that its probes had it sent is said to be that', async () => {
  const host = await scriptedHost();
  await host.declare('api', { health: { onUnhealthy: { signal: 'SIGUSR2' } } });
  host.probes[0]!.onVerdict({ health: 'bad', evidence: 'GET / answered 503', failures: 3, afterMs: null });
  await host.clock.settle();
  end(host, { signal: 'SIGUSR2' });
  await host.clock.settle();
  expect(await why(host)).toContain('because its probes failed (health.onUnhealthy).');
});

test('a signal of long ago, or another one, led to nothing', async () => {
  const host = await scriptedHost();
  await host.declare('api');
  await host.crew().get('api')!.signal('SIGHUP', 'the command');
  end(host, { signal: 'SIGTERM' });
  await host.clock.settle();
  expect(await why(host)).toContain('Not by ostler');
  await host.clock.advance(5000);
  await host.crew().get('api')!.signal('SIGHUP', 'the command');
  await host.clock.advance(10 * 60_000);
  end(host, { code: 1 });
  await host.clock.settle();
  expect(await why(host)).toContain('Nobody had asked it to stop.');
});
