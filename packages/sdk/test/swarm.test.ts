import { expect, test } from 'vitest';
import { call, ok, recorded, ref, run, take } from './recorded.ts';
import { SwarmDriver } from './swarm-driver.ts';

const labels = { 'ostler.agent': 'a1', 'ostler.worker': 'web', 'ostler.generation': '2-bb', 'ostler.instance': 'live' };
const service = (given: object = {}, replicas = 2, marks: object = labels) => ({
  ID: 's9',
  Version: { Index: 17 },
  CreatedAt: '2026-01-02T03:04:05Z',
  Spec: { Name: 'ostler-web-live', Labels: marks, Mode: { Replicated: { Replicas: replicas } } },
  ...given,
});
const task = (state: string, desired = 'running') => ({ DesiredState: desired, Status: { State: state } });
const swarm = ok({ ID: 'cluster1' });
const target = { ref, handle: null };
const find = `/tasks?filters=${encodeURIComponent('{"service":["s9"]}')}`;

test('a first start creates one labelled service and tells its replicas', async () => {
  const { send, asked } = recorded(ok({ ID: 's9' }, 201), swarm, ok(service()), ok([task('running'), task('starting'), task('failed', 'shutdown')]));
  expect(await new SwarmDriver(send).start(ref, run)).toEqual({
    ref,
    handle: { version: 1, data: { service: 's9' } },
    engine: 'cluster1',
    is: 'running',
    startedAt: '2026-01-02T03:04:05Z',
    endpoints: [],
    replicas: { want: 2, ready: 1, restarts: 1, rollout: 'going' },
  });
  expect(asked[0]).toMatchObject({
    method: 'POST',
    path: '/services/create',
    body: {
      Name: 'ostler-web-live',
      Labels: labels,
      TaskTemplate: {
        ContainerSpec: {
          Image: 'registry.example/web@sha256:11',
          Args: ['serve', '--all'],
          Env: ['LOG_LEVEL=info', 'OSTLER_WORKER=web'],
          StopGracePeriod: 1e10,
        },
      },
      Mode: { Replicated: { Replicas: 2 } },
    },
  });
  expect(asked.slice(1).map((one) => one.path)).toEqual(['/swarm', '/services/ostler-web-live', find]);
});

test('another generation rolls the same service forward, by its version index', async () => {
  const old = service({}, 2, { ...labels, 'ostler.generation': '1-aa' });
  const answers = [
    ok({ message: 'name conflicts' }, 409),
    ok(old),
    ok({ Warnings: null }),
    swarm,
    ok(service({ UpdateStatus: { State: 'updating' } })),
    ok([task('running'), task('running')]),
  ];
  const { send, asked } = recorded(...answers);
  expect(await new SwarmDriver(send).start(ref, run)).toMatchObject({ replicas: { rollout: 'going' } });
  expect(asked[2]).toMatchObject({ method: 'POST', path: '/services/s9/update?version=17', body: { Labels: { 'ostler.generation': '2-bb' } } });
});

test('the same generation is returned, not made or updated again', async () => {
  const { send, asked } = recorded(ok({ message: 'name conflicts' }, 409), ok(service()), swarm, ok(service()), ok([]));
  await new SwarmDriver(send).start(ref, run);
  expect(asked.map((one) => one.method)).toEqual(['POST', 'GET', 'GET', 'GET', 'GET']);
});

test('a service of that name which another made is a conflict', async () => {
  const { send } = recorded(ok({ message: 'name conflicts' }, 409), ok(service({}, 2, {})));
  await expect(new SwarmDriver(send).start(ref, run)).rejects.toMatchObject({ code: 'conflict', outcome: 'no' });
});

test('an update that lost its race is a conflict, nothing done', async () => {
  const { send } = recorded(swarm, ok(service()), ok({ message: 'rpc error: code = Unknown desc = update out of sequence' }, 500));
  await expect(new SwarmDriver(send).stop(target, { signal: 'SIGTERM', graceMs: 10_000 }, call)).rejects.toMatchObject({ code: 'conflict', outcome: 'no' });
});

test('a lost quorum is a hung engine and never gone', async () => {
  const lost = ok({ message: 'rpc error: code = DeadlineExceeded desc = context deadline exceeded' }, 500);
  await expect(new SwarmDriver(recorded(swarm, lost).send).inspect(target)).rejects.toMatchObject({ code: 'engine-hung', outcome: 'no' });
  await expect(new SwarmDriver(recorded(lost).send).start(ref, run)).rejects.toMatchObject({ code: 'engine-hung', outcome: 'unknown' });
});

test('404 is gone, of the cluster that said so', async () => {
  const { send } = recorded(swarm, ok({ message: 'service not found' }, 404));
  expect(await new SwarmDriver(send).inspect(target)).toEqual({ is: 'gone', engine: 'cluster1' });
});

test('a paused update is a failed rollout', async () => {
  const { send } = recorded(swarm, ok(service({ UpdateStatus: { State: 'paused' } })), ok([task('running')]));
  expect(await new SwarmDriver(send).inspect(target)).toMatchObject({ is: 'running', replicas: { rollout: 'failed' } });
});

test('stop scales to none and resolves when no task runs; remove takes what is stopped', async () => {
  const none = service({}, 0);
  const { send, asked } = recorded(swarm, ok(service()), ok({}), swarm, ok(none), ok([task('running')]), swarm, ok(none), ok([task('shutdown', 'shutdown')]));
  expect(await new SwarmDriver(send).stop(target, { signal: 'SIGTERM', graceMs: 10_000 }, call)).toMatchObject({
    is: 'exited',
    exit: { code: null, evidence: 'none' },
  });
  expect(asked[2]).toMatchObject({ path: '/services/s9/update?version=17', body: { Mode: { Replicated: { Replicas: 0 } } } });
  const removal = recorded(ok(none), ok(null));
  await new SwarmDriver(removal.send).remove(target);
  expect(removal.asked[1]).toEqual({ method: 'DELETE', path: '/services/s9' });
  await expect(new SwarmDriver(recorded(ok(service())).send).remove(target)).rejects.toMatchObject({ code: 'conflict' });
});

test('the list asks by the agent label alone', async () => {
  const { send, asked } = recorded(swarm, ok([service(), service({ ID: 's10' }, 0)]));
  const { instances } = await new SwarmDriver(send).list('a1');
  expect(instances.map((one) => one.is)).toEqual(['running', 'exited']);
  expect(asked[1]?.path).toBe(`/services?filters=${encodeURIComponent('{"label":["ostler.agent=a1"]}')}`);
});

test('log cursors count equal stamps per task, and asking after one goes back to its stamp', async () => {
  const frame = (stream: number, text: string) => Buffer.concat([Buffer.from([stream, 0, 0, 0, 0, 0, 0, text.length]), Buffer.from(text)]);
  const stamp = '2026-01-02T03:04:05.500000000Z';
  const body = Buffer.concat(['t1', 't2', 't1'].map((id, index) => frame(index === 1 ? 2 : 1, `${stamp} com.docker.swarm.task.id=${id} a b\n`)));
  const { send, asked } = recorded(ok(body), ok(body));
  const driver = new SwarmDriver(send);
  const records = await take(driver.logs(target, 'start', false), 9);
  expect(records.map((one) => one.cursor)).toEqual([`t1 ${stamp} 1`, `t2 ${stamp} 1`, `t1 ${stamp} 2`]);
  expect(records[1]).toMatchObject({ stream: 'stderr', at: stamp, bytes: Buffer.from('a b\n') });
  await take(driver.logs(target, { after: `t1 ${stamp} 2` }, false), 9);
  expect(asked[1]?.path).toContain(`&since=${Date.parse('2026-01-02T03:04:05Z') / 1000}`);
});
