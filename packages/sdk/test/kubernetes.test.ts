import { expect, test } from 'vitest';
import { KubernetesDriver } from './kubernetes-driver.ts';
import { call, ok, recorded, ref, run, type Send, take } from './recorded.ts';

const labels = { 'ostler.dev/agent': 'a1', 'ostler.dev/worker': 'web', 'ostler.dev/generation': '2-bb', 'ostler.dev/instance': 'live' };
const deployment = (status: object, replicas = 2, marks: object = labels) => ({
  metadata: { name: 'web-live', uid: 'd1', generation: 3, creationTimestamp: '2026-01-02T03:04:05Z', resourceVersion: '90', labels: marks },
  spec: { replicas },
  status: { observedGeneration: 3, ...status },
});
const all = deployment({ replicas: 2, readyReplicas: 2, updatedReplicas: 2 });
const none = deployment({ replicas: 0 }, 0);
const pods = ok({
  items: [
    { metadata: { name: 'web-live-x' }, status: { containerStatuses: [{ restartCount: 3 }] } },
    { metadata: { name: 'web-live-y' }, status: {} },
  ],
});
const cluster = ok({ metadata: { uid: 'cluster1' } });
const absent = ok({ message: 'deployments.apps "web-live" not found' }, 404);
const target = { ref, handle: null };
const base = '/apis/apps/v1/namespaces/home/deployments';
const mine = `labelSelector=${encodeURIComponent('ostler.dev/agent=a1')}`;
const driver = (send: Send) => new KubernetesDriver(send, 'home');

test('start is a server-side apply of one Deployment that forces nothing', async () => {
  const { send, asked } = recorded(absent, ok(all, 201), cluster, pods);
  expect(await driver(send).start(ref, run)).toEqual({
    ref,
    handle: { version: 1, data: { uid: 'd1' } },
    engine: 'cluster1',
    is: 'running',
    startedAt: '2026-01-02T03:04:05Z',
    endpoints: [],
    replicas: { want: 2, ready: 2, restarts: 3, rollout: 'done' },
  });
  expect(asked[1]).toMatchObject({
    method: 'PATCH',
    path: `${base}/web-live?fieldManager=ostler&force=false`,
    headers: { 'content-type': 'application/apply-patch+yaml' },
    body: { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web-live', labels }, spec: { replicas: 2, template: { metadata: { labels } } } },
  });
  const { 'ostler.dev/generation': _, ...constant } = labels;
  expect(asked[1]?.body).toHaveProperty('spec.selector.matchLabels', constant);
});

test('another generation is applied over the same object; the same one is not applied again', async () => {
  const old = deployment({}, 2, { ...labels, 'ostler.dev/generation': '1-aa' });
  const { send, asked } = recorded(ok(old), ok(deployment({ observedGeneration: 2, readyReplicas: 2, updatedReplicas: 2 })), cluster, pods);
  expect(await driver(send).start(ref, run)).toMatchObject({ replicas: { rollout: 'going' } });
  expect(asked[1]?.path).toBe(`${base}/web-live?fieldManager=ostler&force=false`);
  const again = recorded(ok(all), cluster, pods);
  await driver(again.send).start(ref, run);
  expect(again.asked.map((one) => one.method)).toEqual(['GET', 'GET', 'GET']);
});

test('a foreign object and a foreign field owner are conflicts, nothing done', async () => {
  const conflict = { code: 'conflict', outcome: 'no' };
  await expect(driver(recorded(ok(deployment({}, 2, {}))).send).start(ref, run)).rejects.toMatchObject(conflict);
  const owned = ok({ message: 'Apply failed with 1 conflict: conflict with "helm": .spec.replicas' }, 409);
  await expect(driver(recorded(absent, owned).send).start(ref, run)).rejects.toMatchObject(conflict);
});

test('an API server that does not answer is an engine failure, never gone', async () => {
  await expect(driver(recorded(cluster, ok(null, 504)).send).inspect(target)).rejects.toMatchObject({ code: 'engine-hung', outcome: 'no' });
  await expect(driver(recorded(absent, ok(null, 503)).send).start(ref, run)).rejects.toMatchObject({ code: 'engine-down', outcome: 'unknown' });
  expect(await driver(recorded(cluster, absent).send).inspect(target)).toEqual({ is: 'gone', engine: 'cluster1' });
});

test('a rollout past its progress deadline has failed', async () => {
  const late = deployment({ readyReplicas: 1, conditions: [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }] });
  expect(await driver(recorded(cluster, ok(late), pods).send).inspect(target)).toMatchObject({ replicas: { ready: 1, rollout: 'failed' } });
});

test('stop scales to none and waits for the last pod; remove deletes this very object', async () => {
  const ending = deployment({ replicas: 1 }, 0);
  const { send, asked } = recorded(ok(all), ok({}), cluster, ok(ending), pods, cluster, ok(none));
  expect(await driver(send).stop(target, { signal: 'SIGTERM', graceMs: 10_000 }, call)).toMatchObject({ is: 'exited', exit: { code: null, evidence: 'none' } });
  expect(asked[1]).toEqual({
    method: 'PATCH',
    path: `${base}/web-live/scale?fieldManager=ostler`,
    headers: { 'content-type': 'application/merge-patch+json' },
    body: { spec: { replicas: 0 } },
  });
  const removal = recorded(ok(none), ok({}));
  await driver(removal.send).remove(target);
  expect(removal.asked[1]).toEqual({ method: 'DELETE', path: `${base}/web-live`, body: { propagationPolicy: 'Foreground', preconditions: { uid: 'd1' } } });
  await expect(driver(recorded(ok(all)).send).remove(target)).rejects.toMatchObject({ code: 'conflict' });
});

test('a watch begins with a gap, tells changes, and has a gap after 410', async () => {
  const list = ok({ metadata: { resourceVersion: '90' }, items: [] });
  const { send, asked } = recorded(
    list,
    ok([
      { type: 'MODIFIED', object: all },
      { type: 'ERROR', object: { code: 410 } },
    ]),
    list,
    ok(null, 410),
    list,
    ok([{ type: 'ADDED', object: all }]),
  );
  const hints = await take(driver(send).watch('a1', new AbortController().signal), 5);
  expect(hints.map((one) => one.kind)).toEqual(['gap', 'changed', 'gap', 'gap', 'changed']);
  expect(hints[1]).toEqual({ kind: 'changed', ref });
  expect(asked[1]?.path).toBe(`${base}?${mine}&watch=true&resourceVersion=90`);
});

test('the list asks by the agent label alone', async () => {
  const { send, asked } = recorded(cluster, ok({ metadata: {}, items: [all, none] }));
  expect((await driver(send).list('a1')).instances.map((one) => one.is)).toEqual(['running', 'exited']);
  expect(asked[1]?.path).toBe(`${base}?${mine}`);
});

test('logs are asked for by sinceTime, and equal stamps are counted per pod', async () => {
  const stamp = '2026-01-02T03:04:05.5Z';
  const { send, asked } = recorded(pods, ok(`${stamp} one\n${stamp} two\n`), ok(`${stamp} other\n`));
  const records = await take(driver(send).logs(target, { after: `web-live-x ${stamp} 1` }, false), 9);
  expect(records.map((one) => one.cursor)).toEqual([`web-live-x ${stamp} 1`, `web-live-x ${stamp} 2`, `web-live-y ${stamp} 1`]);
  expect(asked[1]?.path).toBe(`/api/v1/namespaces/home/pods/web-live-x/log?timestamps=true&follow=false&sinceTime=${encodeURIComponent(stamp)}`);
});
