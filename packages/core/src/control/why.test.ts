import { runtimeFailure } from '@ostler/sdk';
import { describe, expect, test } from 'vitest';
import { entries } from '../journal/index.ts';
import { type ScriptedHost, scriptedHost } from '../supervise/fixtures/host.ts';
import type { Parts } from './parts.ts';
import { whyOf } from './why.ts';

// Each text is what somebody reads who was woken up and does not know the source. The histories are those of a real crew on a scripted engine.

const minute = 60_000;
const user = 'the command';
const held = { type: 'hold', by: user, cause: 'held' } as const;

function partsOf(host: ScriptedHost, more: Partial<Parts> = {}): Parts {
  const crew = host.crew();
  const parts: Partial<Parts> = {
    crew,
    journal: crew.services.journal,
    pending: () => new Set(),
    leftOut: () => null,
    hostFile: () => '/srv/ostler.yaml',
    hostFileProblem: () => null,
    ...more,
  };
  return parts as Parts;
}

async function text(host: ScriptedHost, worker = 'api', more: Partial<Parts> = {}): Promise<string> {
  return `${(await whyOf(partsOf(host, more), worker)).lines.join('\n')}\n`;
}

/** What the agent writes down when it comes, beside what its supervision does. */
async function agentStarted(host: ScriptedHost, adopted: number): Promise<void> {
  const { journal, clock } = host.crew().services;
  await journal.record({ journal: [entries['agent.started'](clock.isoNow(), { version: '1.0.0', pid: 77, hostFile: '/srv/ostler.yaml', adopted })] });
}

const crash = {
  exit: { afterMs: 4500, code: 1 },
  lines: ['listening on 8080', 'Error: connect ECONNREFUSED 127.0.0.1:5432', '    at TCPConnectWrap.afterConnect (node:net:1611:16)'],
};
const told = (name: string): string => `./why-texts/${name}.txt`;

test('a crash: with what code, what it printed, and when it is tried again', async () => {
  const host = await scriptedHost({ api: crash });
  await host.declare('api', { restart: { giveUp: 5, backoff: { min: '8s' } } });
  await host.clock.advance(11_000);
  await expect(await text(host)).toMatchFileSnapshot(told('crash-in-backoff'));
});

test('a build that failed: what the builder said, its last lines, and that a mended folder has to be applied', async () => {
  const host = await scriptedHost({ api: {} });
  host.die();
  const failure = { code: 'build-failed', outcome: 'no', retryable: true, message: 'the build of the image api failed: exit code: 1' } as const;
  const cause = '[2/2] RUN python3 train.py\npython3: can’t open file train.py';
  await host.boot({ ...host.driver(), prepare: () => Promise.reject(runtimeFailure({ ...failure, cause })) });
  await host.declare('api', { restart: { backoff: { first: '8s', jitter: 0 } } });
  await host.clock.advance(3000);
  await expect(await text(host)).toMatchFileSnapshot(told('build-failed'));
});

test('a crash loop is told once, with how often it went round', async () => {
  const host = await scriptedHost({ api: crash });
  await host.declare('api');
  await host.clock.advance(10 * minute);
  await expect(await text(host)).toMatchFileSnapshot(told('crash-looping'));
});

test('what was given up says what used its restarts up', async () => {
  const host = await scriptedHost({ api: crash });
  await host.declare('api', { restart: { giveUp: 3 } });
  await host.clock.advance(20 * minute);
  await expect(await text(host)).toMatchFileSnapshot(told('given-up'));
});

test('a restart for probes that failed gives the answer of the last one', async () => {
  const host = await scriptedHost();
  await host.declare('api', { ports: [8080], health: { http: '/health', interval: '5s' } });
  host.probes[0]!.onVerdict({ health: 'ok', evidence: 'GET http://127.0.0.1:8080/health answered 200', failures: 0, afterMs: 900 });
  await host.clock.advance(12 * minute);
  host.probes[0]!.onVerdict({ health: 'bad', evidence: 'GET http://127.0.0.1:8080/health answered 503', failures: 3, afterMs: 719_100 });
  await host.clock.advance(5000);
  host.probes[0]!.onVerdict({ health: 'ok', evidence: 'GET http://127.0.0.1:8080/health answered 200', failures: 0, afterMs: 1200 });
  await host.clock.advance(30_000);
  await expect(await text(host)).toMatchFileSnapshot(told('unhealthy-and-restarted'));
});

test('probes that fail where that is only reported say so', async () => {
  const host = await scriptedHost();
  await host.declare('api', { ports: [8080], health: { http: '/health', interval: '5s', onUnhealthy: 'report' } });
  await host.clock.advance(20_000);
  host.probes[0]!.onVerdict({ health: 'bad', evidence: 'GET http://127.0.0.1:8080/health: no answer within 5000 ms', failures: 3, afterMs: 20_000 });
  await host.clock.advance(2 * minute);
  await expect(await text(host)).toMatchFileSnapshot(told('unhealthy-and-left'));
});

test('a hold is told with who set it, however often the agent came anew since', async () => {
  const host = await scriptedHost();
  await host.declare('api');
  await host.clock.advance(minute);
  await host.crew().get('api')!.send(held);
  await host.clock.advance(5 * minute);
  for (let death = 0; death < 2; death += 1) {
    host.die();
    await host.boot();
    await agentStarted(host, 0);
    await host.clock.advance(90 * minute);
  }
  await expect(await text(host)).toMatchFileSnapshot(told('held'));
});

test('a hold that its own probes set says what they answered, also while its engine cannot be asked', async () => {
  const host = await scriptedHost();
  await host.declare('api', { ports: [8080], health: { http: '/health', interval: '5s', onUnhealthy: 'stop' } });
  await host.clock.advance(minute);
  host.probes[0]!.onVerdict({ health: 'bad', evidence: 'GET http://127.0.0.1:8080/health answered 500', failures: 3, afterMs: 60_000 });
  await host.clock.advance(2 * minute);
  const seen = await text(host);
  await expect(seen).toMatchFileSnapshot(told('stopped-by-its-probes'));
  await host.crew().get('api')!.send({ type: 'blind', runtime: 'fake', reason: 'connection refused' });
  expect(await text(host)).toBe(seen);
});

test('everything that was stopped at once says by what', async () => {
  const host = await scriptedHost();
  await host.declare('api');
  await host.clock.advance(minute);
  await host.crew().get('api')!.send({ type: 'hold', by: 'down', cause: 'down' });
  await host.clock.advance(2 * minute);
  await expect(await text(host)).toMatchFileSnapshot(told('down'));
});

test('what waits is followed to the root: the worker that failed, and what it died of', async () => {
  const host = await scriptedHost({ db: { exit: { afterMs: 2000, code: 78 }, lines: ['FATAL: data directory "/srv/pg" has wrong ownership'] } });
  await host.declare('db', { restart: { giveUp: 2 } });
  await host.declare('api', { dependsOn: { db: 'healthy' } });
  await host.declare('web', { dependsOn: { api: 'started' } });
  await host.clock.advance(5 * minute);
  await expect(await text(host, 'web')).toMatchFileSnapshot(told('waiting-for-what-failed'));
});

test('what waits for its turn to start is not said to wait for a dependency that holds', async () => {
  const names = Array.from({ length: 6 }, (_, at) => `w${at}`);
  const host = await scriptedHost(Object.fromEntries(names.map((name) => [name, { startAfterMs: 80_000 }])));
  await host.declare('db');
  for (const name of names) await host.declare(name, { dependsOn: { db: 'healthy' } });
  await host.clock.advance(1000);
  host.probes[0]!.onVerdict({ health: 'ok', evidence: 'up for 10 s', failures: 0, afterMs: 10_000 });
  await host.clock.advance(20_000);
  expect(names.map((name) => host.crew().get(name)!.life.reason)).toEqual([
    ...Array.from({ length: 4 }, () => 'starting: it is in the host file'),
    ...Array.from({ length: 2 }, () => 'to be started: it is in the host file'),
  ]);
  await expect(await text(host, 'w5')).toMatchFileSnapshot(told('waiting-for-its-turn'));
  await host.crew().get('db')!.send(held);
  await host.clock.advance(1000);
  expect((await whyOf(partsOf(host), 'w5')).report.now).toMatchObject({
    because: ['It waits for db to be healthy (it is held).'],
    waitsFor: [{ worker: 'db' }],
  });
  expect(await host.told('w5')).toEqual(['declared', 'waiting', 'waiting']);
});

test('a worker that cannot be seen is told with what was last known of it', async () => {
  const host = await scriptedHost();
  await host.declare('api');
  host.probes[0]?.onVerdict({ health: 'ok', evidence: 'up for 10 s', failures: 0, afterMs: 10_000 });
  await host.clock.advance(40 * minute);
  host.world.isDown = true;
  void host.crew().get('api')!.look();
  await host.clock.advance(3 * minute);
  await expect(await text(host)).toMatchFileSnapshot(told('engine-down'));
});

test('a start whose outcome is not known says why nothing is done', async () => {
  const host = await scriptedHost({ api: { start: 'hang' } });
  await host.declare('api');
  await host.clock.advance(20_000);
  host.world.freeze();
  await host.clock.advance(72_000);
  await expect(await text(host)).toMatchFileSnapshot(told('start-unknown'));
  await host.clock.advance(minute);
  await expect(await text(host)).toMatchFileSnapshot(told('start-unknown-and-engine-hung'));
});

test('the kernel’s kill for lack of memory is told with the limit', async () => {
  const host = await scriptedHost({ api: { exit: { afterMs: 3 * minute, signal: 'SIGKILL', oom: 'main' }, lines: ['loading model: 74 %'] } });
  await host.declare('api', { limits: { memory: '256MiB' }, restart: { backoff: { first: '5s' } } });
  await host.clock.advance(3 * minute + 2000);
  await expect(await text(host)).toMatchFileSnapshot(told('out-of-memory'));
});

test('a signal that was not sent by ostler says that it was somebody else', async () => {
  const host = await scriptedHost();
  await host.declare('api', { restart: { backoff: { first: '5s' } } });
  await host.clock.advance(minute);
  host.world.kill('api');
  await host.clock.advance(1000);
  await expect(await text(host)).toMatchFileSnapshot(told('killed-by-somebody'));
});

test('a schedule says how its last run ended, which one was skipped, and when the next is', async () => {
  const host = await scriptedHost({ backup: { exit: { afterMs: 65 * minute, code: 0 } } });
  await host.declare('backup', { schedule: { cron: '0 * * * *', timezone: 'UTC' } });
  await host.clock.advance(150 * minute);
  await expect(await text(host, 'backup')).toMatchFileSnapshot(told('cron-done'));
});

describe('what is being prepared', () => {
  const because = async (host: ScriptedHost): Promise<readonly string[]> => (await whyOf(partsOf(host), 'api')).report.now!.because;
  test('says why it is started now, not why it was started before', async () => {
    const host = await scriptedHost({}, { TOKEN: 'x' }, minute);
    await host.declare('api');
    await host.clock.advance(2 * minute);
    await host.declare('api', { command: ['other'] });
    await host.clock.advance(15_000);
    expect([host.crew().get('api')!.life.phase, await because(host)]).toEqual(['preparing', ['It is being started: its definition changed.']]);
  });
  test('for a run that was asked for says nothing of how an older run failed', async () => {
    const host = await scriptedHost({ api: crash }, { TOKEN: 'x' }, minute);
    await host.declare('api', { restart: 'never', schedule: { cron: '0 3 * * *', timezone: 'UTC' } });
    const one = host.crew().get('api')!;
    for (const advancedMs of [2 * minute, 15_000]) {
      await one.send({ type: 'run', by: user });
      await host.clock.advance(advancedMs);
    }
    expect([one.life.phase, await because(host)]).toEqual(['preparing', ['It is being started: a run was asked for.']]);
  });
  test('again after a failure says what that was', async () => {
    const host = await scriptedHost({ api: crash }, { TOKEN: 'x' }, minute);
    await host.declare('api');
    await host.clock.advance(2 * minute);
    expect(host.crew().get('api')!.life.phase).toBe('preparing');
    expect(await because(host)).toEqual(['It is being started: the last one ended.', expect.stringContaining('It exited with code 1'), expect.any(String)]);
  });
});

describe('a run that was called off', () => {
  const cron = { restart: 'never', schedule: { cron: '0 3 * * *', timezone: 'UTC' } };
  const job = async (more: object = {}, prepareMs = 0) => {
    const host = await scriptedHost({ api: [crash, {}] }, { TOKEN: 'x' }, prepareMs);
    await host.declare('api', { ...cron, ...more });
    const one = host.crew().get('api')!;
    const call = async (type: 'run' | 'cancel', afterMs: number) => {
      await one.send(type === 'run' ? { type, by: user } : { type, by: user, epoch: one.life.epoch });
      await host.clock.advance(afterMs);
    };
    return { host, call, now: async () => (await whyOf(partsOf(host), 'api')).report.now! };
  };
  test('while it ran is not told with the reason of an older failure', async () => {
    const { host, call } = await job();
    await call('run', minute);
    await call('run', minute);
    await call('cancel', minute);
    await expect(await text(host)).toMatchFileSnapshot(told('called-off'));
  });
  test('before it had begun is not told with the end of an older run', async () => {
    const { call, now } = await job({}, 10_000);
    await call('run', minute);
    await call('run', 5000);
    await call('cancel', minute);
    expect(await now()).toMatchObject({
      because: ['This run of it was called off by hand at 2030-01-01T00:01:05Z (60 s ago), before it had begun.'],
      lastLines: [],
      advice: { what: 'runs it now, beside its schedule' },
    });
  });
  test('between two tries is told with how the last try ended', async () => {
    const { call, now } = await job({ restart: { backoff: { first: '30s', jitter: 0 } } });
    await call('run', 5000);
    await call('cancel', minute);
    const { because, lastLines } = await now();
    expect(because).toEqual([
      expect.stringContaining('It exited with code 1 at'),
      'Nobody had asked it to stop.',
      'This run of it was called off by hand at 2030-01-01T00:00:05Z (60 s ago), before it was tried again.',
    ]);
    expect(lastLines).toEqual(crash.lines);
  });
});

test('an end that nobody saw, because its holder was killed, is told as such', async () => {
  const host = await scriptedHost();
  await host.declare('api', { restart: { backoff: { first: '5s' } } });
  await host.clock.advance(7 * minute);
  host.world.kill('api');
  host.world.instances()[0]!.exit = { code: null, signal: null, at: null, oom: 'unknown', evidence: 'inferred' };
  await host.clock.advance(1000);
  await expect(await text(host)).toMatchFileSnapshot(told('holder-killed'));
});

test('a preparation that failed says what it lacked', async () => {
  const missing = 'file:secrets/api-key: there is no such file (/srv/secrets/api-key) (missing)';
  const host = await scriptedHost({ api: { prepare: 'fail', failure: { code: 'invalid', message: missing } } });
  await host.declare('api');
  await host.clock.advance(2000);
  await expect(await text(host)).toMatchFileSnapshot(told('secret-missing'));
});

test('a worker that is well says so, since when, and what its last restart was', async () => {
  const host = await scriptedHost({ api: [crash, {}] });
  await host.declare('api', { restart: { giveUp: 5 } });
  await host.clock.advance(minute);
  host.probes[0]!.onVerdict({ health: 'ok', evidence: 'up for 10 s', failures: 0, afterMs: 10_000 });
  await host.clock.advance(2 * minute);
  await expect(await text(host)).toMatchFileSnapshot(told('healthy'));
});

test('a worker that was taken over by a new agent, and of which the saved host file says something else', async () => {
  const host = await scriptedHost();
  await host.declare('api');
  await host.clock.advance(30 * minute);
  host.die();
  await host.boot();
  await agentStarted(host, 1);
  host.probes[0]!.onVerdict({ health: 'ok', evidence: 'up for 10 s', failures: 0, afterMs: null });
  await host.clock.advance(minute);
  await expect(await text(host, 'api', { pending: () => new Set(['api']) })).toMatchFileSnapshot(told('taken-over'));
});

test('a worker that was removed still has its history', async () => {
  const host = await scriptedHost();
  await host.declare('api');
  await host.clock.advance(minute);
  await host.crew().get('api')!.send({ type: 'remove', by: 'apply' });
  await host.clock.advance(5000);
  await expect(await text(host)).toMatchFileSnapshot(told('removed'));
});

test('a worker that the host file has and that was not applied is told apart from one that nobody knows', async () => {
  const host = await scriptedHost();
  await host.declare('web');
  const refusal = async (name: string): Promise<string> => {
    const { message, hint } = await whyOf(partsOf(host, { pending: () => new Set(['api']) }), name).then(
      () => expect.fail('it was told'),
      (error: Error & { readonly hint: string }) => error,
    );
    return `ostler why ${name}\n${message}\n  ${hint}\n`;
  };
  await expect(`${await refusal('api')}\n${await refusal('wbe')}`).toMatchFileSnapshot(told('unknown'));
});

test('dependencies that go in a circle are followed once round', async () => {
  const host = await scriptedHost();
  await host.declare('a', { dependsOn: { b: 'healthy' } });
  await host.declare('b', { dependsOn: { a: 'healthy' } });
  await host.clock.advance(1000);
  const { report } = await whyOf(partsOf(host), 'a');
  expect(report.now).toMatchObject({ because: ['It waits for b to be healthy.'], waitsFor: [{ worker: 'b', because: ['It waits for a to be healthy.'] }] });
});

test('a report is plain JSON, and counts times from the moment it was asked', async () => {
  const host = await scriptedHost({ api: crash });
  await host.declare('api', { restart: { giveUp: 5 } });
  await host.clock.advance(9500);
  const { report } = await whyOf(partsOf(host), 'api');
  expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  expect(report).toMatchObject({
    at: host.clock.isoNow(),
    now: { restartsLeft: 3, failuresInARow: 2, state: 'backoff', advice: { command: 'ostler logs api -n 50' } },
  });
});
