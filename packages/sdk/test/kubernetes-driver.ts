import {
  type Artifact,
  type Call,
  type EngineFacts,
  type Finding,
  type Found,
  type Hint,
  type InstanceRef,
  type Listed,
  type LogFrom,
  type LogRecord,
  type Observed,
  type Run,
  type RuntimeDriver,
  type RuntimeFailureCode,
  runtimeFailure,
  type StopRule,
  type Target,
  unhonoured,
  type WorkerSpec,
} from '../src/index.ts';
import type { Answer, Request, Send } from './recorded.ts';
import { cursors, sinceOf } from './stamped.ts';

interface Options {
  readonly replicas: number;
}

interface Meta {
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  readonly creationTimestamp: string;
  readonly resourceVersion: string;
  readonly labels?: Readonly<Record<string, string>>;
}

interface Deployment {
  readonly metadata: Meta;
  readonly spec: { readonly replicas: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly readyReplicas?: number;
    readonly updatedReplicas?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason?: string }[];
  };
}

interface Pod {
  readonly metadata: { readonly name: string };
  readonly status: { readonly containerStatuses?: readonly { readonly restartCount: number }[] };
}

type List<T> = { readonly metadata: { readonly resourceVersion: string }; readonly items: readonly T[] };
type Event = { readonly type: string; readonly object: Deployment & { readonly code?: number } };

const codes: Readonly<Record<number, RuntimeFailureCode>> = {
  400: 'invalid',
  401: 'unauthorized',
  403: 'unauthorized',
  404: 'not-found',
  409: 'conflict',
  422: 'invalid',
};
const nameOf = (ref: InstanceRef) => `${ref.worker}-${ref.instance}`;
const selector = (agent: string, worker?: string) =>
  `labelSelector=${encodeURIComponent(`ostler.dev/agent=${agent}${worker === undefined ? '' : `,ostler.dev/worker=${worker}`}`)}`;

/** A Deployment per worker, written by server-side apply: the cluster starts its pods again and rolls forward in place. */
export class KubernetesDriver implements RuntimeDriver<Options> {
  readonly restarts = 'engine';
  readonly #send: Send;
  readonly #deployments: string;
  readonly #pods: string;

  constructor(send: Send, namespace: string) {
    this.#send = send;
    this.#deployments = `/apis/apps/v1/namespaces/${namespace}/deployments`;
    this.#pods = `/api/v1/namespaces/${namespace}/pods`;
  }

  async ping(): Promise<void> {
    await this.#ask({ method: 'GET', path: '/readyz' });
  }

  async facts(): Promise<EngineFacts> {
    const { gitVersion } = (await this.#ask({ method: 'GET', path: '/version' })) as { gitVersion: string };
    const limits = { memory: 'hard', cpu: 'hard', pids: 'none', gpuMemory: 'none' } as const;
    return { engine: await this.#engine(), name: 'kubernetes', version: gitVersion, limits, gpus: [], outlives: { agent: true, engine: true }, notes: [] };
  }

  check(spec: WorkerSpec<Options>): readonly Finding[] {
    return unhonoured(spec, 'kubernetes');
  }

  /** The API server resolves no tags: the reference has to carry its digest. */
  async resolve(spec: WorkerSpec<Options>): Promise<Artifact> {
    const reference = spec.images.at(-1)?.reference ?? '';
    const digest = /@(sha256:[0-9a-f]+)$/.exec(reference)?.[1];
    if (digest === undefined)
      throw runtimeFailure({ code: 'invalid', outcome: 'no', retryable: false, message: `image ${reference} has no digest; write name@sha256:…` });
    return { digest, inputs: { image: reference }, data: reference };
  }

  async prepare(): Promise<void> {}

  async start(ref: InstanceRef, run: Run<Options>): Promise<Observed> {
    // apply would merge into a foreign object of this name wherever no field collides
    const there = await this.#deployment(ref);
    if (there !== null && there.metadata.labels?.['ostler.dev/generation'] === ref.generation) return this.#observed(there, await this.#engine());
    const path = `${this.#deployments}/${nameOf(ref)}?fieldManager=ostler&force=false`;
    const headers = { 'content-type': 'application/apply-patch+yaml' };
    const made = (await this.#ask({ method: 'PATCH', path, headers, body: deploymentOf(ref, run) })) as Deployment;
    return this.#observed(made, await this.#engine());
  }

  async inspect({ ref }: Target): Promise<Found> {
    const engine = await this.#engine();
    const deployment = await this.#deployment(ref);
    return deployment === null ? { is: 'gone', engine } : this.#observed(deployment, engine);
  }

  async list(agent: string): Promise<{ readonly engine: string; readonly instances: readonly Listed[] }> {
    const engine = await this.#engine();
    const { items } = (await this.#ask({ method: 'GET', path: `${this.#deployments}?${selector(agent)}` })) as List<Deployment>;
    return { engine, instances: items.map((one) => ({ ref: refOf(one), handle: handleOf(one), is: isStopped(one) ? 'exited' : 'running' })) };
  }

  async *watch(agent: string, signal: AbortSignal): AsyncGenerator<Hint> {
    for (let why = 'the watch begins'; !signal.aborted; ) {
      yield { kind: 'gap', why };
      const { metadata } = (await this.#ask({ method: 'GET', path: `${this.#deployments}?${selector(agent)}&limit=1` })) as List<Deployment>;
      const path = `${this.#deployments}?${selector(agent)}&watch=true&resourceVersion=${metadata.resourceVersion}`;
      const { status, body } = await this.#send({ method: 'GET', path });
      why = 'the watch ended';
      if (status === 410) why = 'the cluster no longer keeps what happened meanwhile';
      else this.#refuse({ method: 'GET', path }, { status, body });
      for (const { type, object } of status === 410 ? [] : (body as readonly Event[])) {
        if (type !== 'ERROR') yield { kind: 'changed', ref: refOf(object) };
        else if (object.code === 410) why = 'the cluster no longer keeps what happened meanwhile';
      }
    }
  }

  async stop({ ref }: Target, _how: StopRule, call: Call): Promise<Found> {
    const deployment = await this.#deployment(ref);
    if (deployment === null) return { is: 'gone', engine: await this.#engine() };
    if (deployment.spec.replicas !== 0) {
      const path = `${this.#deployments}/${nameOf(ref)}/scale?fieldManager=ostler`;
      await this.#ask({ method: 'PATCH', path, headers: { 'content-type': 'application/merge-patch+json' }, body: { spec: { replicas: 0 } } });
    }
    for (;;) {
      const found = await this.inspect({ ref, handle: null });
      if (found.is !== 'running') return found;
      if (call.signal.aborted)
        throw runtimeFailure({ code: 'timeout', outcome: 'unknown', retryable: true, message: `${nameOf(ref)} was scaled to none and still runs` });
    }
  }

  async remove({ ref }: Target): Promise<void> {
    const deployment = await this.#deployment(ref);
    if (deployment === null) return;
    if (!isStopped(deployment))
      throw runtimeFailure({ code: 'conflict', outcome: 'no', retryable: false, message: `deployment ${nameOf(ref)} still runs; stop it first` });
    // the precondition: not the next one of that name
    const body = { propagationPolicy: 'Foreground', preconditions: { uid: deployment.metadata.uid } };
    await this.#ask({ method: 'DELETE', path: `${this.#deployments}/${nameOf(ref)}`, body }, [404]);
  }

  async *logs({ ref }: Target, from: LogFrom, follow: boolean): AsyncGenerator<LogRecord> {
    const since = sinceOf(from);
    const part = since === null ? '' : `&sinceTime=${encodeURIComponent(since)}`;
    const tail = typeof from === 'object' && 'tailLines' in from ? `&tailLines=${from.tailLines}` : '';
    const cursor = cursors();
    for (const { metadata } of await this.#podsOf(ref)) {
      const path = `${this.#pods}/${metadata.name}/log?timestamps=true&follow=${follow}${part}${tail}`;
      const text = (await this.#ask({ method: 'GET', path })) as string;
      for (const line of text.split('\n').slice(0, -1)) {
        const [stamp = '', ...words] = line.split(' ');
        // the API mixes both streams into one
        yield { cursor: cursor(metadata.name, stamp), at: stamp, stream: 'stdout', bytes: Buffer.from(`${words.join(' ')}\n`) };
      }
    }
  }

  async close(): Promise<void> {}

  /** A cluster has no id of its own: the uid of this namespace lasts as long as its store. */
  async #engine(): Promise<string> {
    return ((await this.#ask({ method: 'GET', path: '/api/v1/namespaces/kube-system' })) as { metadata: Meta }).metadata.uid;
  }

  async #deployment(ref: InstanceRef): Promise<Deployment | null> {
    const deployment = (await this.#ask({ method: 'GET', path: `${this.#deployments}/${nameOf(ref)}` }, [404])) as Deployment | null;
    if (deployment !== null && deployment.metadata.labels?.['ostler.dev/agent'] !== ref.agent)
      throw runtimeFailure({
        code: 'conflict',
        outcome: 'no',
        retryable: false,
        message: `a deployment ${nameOf(ref)} is there which this agent did not make`,
      });
    return deployment;
  }

  async #podsOf(ref: InstanceRef): Promise<readonly Pod[]> {
    return ((await this.#ask({ method: 'GET', path: `${this.#pods}?${selector(ref.agent, ref.worker)}` })) as List<Pod>).items;
  }

  async #observed(deployment: Deployment, engine: string): Promise<Observed> {
    const { metadata, spec, status = {} } = deployment;
    const base = { ref: refOf(deployment), handle: handleOf(deployment), engine };
    if (isStopped(deployment)) return { ...base, is: 'exited', exit: { code: null, signal: null, at: null, oom: 'unknown', evidence: 'none' } };
    const pods = await this.#podsOf(base.ref);
    const restarts = pods.flatMap((one) => one.status.containerStatuses ?? []).reduce((sum, one) => sum + one.restartCount, 0);
    const ready = status.readyReplicas ?? 0;
    // the status of an older generation says nothing of this one
    const current = status.observedGeneration === metadata.generation;
    const late = current && status.conditions?.some((one) => one.type === 'Progressing' && one.reason === 'ProgressDeadlineExceeded') === true;
    const done = current && ready >= spec.replicas && status.updatedReplicas === spec.replicas;
    const rollout = late ? 'failed' : done ? 'done' : 'going';
    return { ...base, is: 'running', startedAt: metadata.creationTimestamp, endpoints: [], replicas: { want: spec.replicas, ready, restarts, rollout } };
  }

  async #ask(request: Request, absent: readonly number[] = []): Promise<unknown> {
    const answer = await this.#send(request);
    if (absent.includes(answer.status)) return null;
    this.#refuse(request, answer);
    return answer.body;
  }

  #refuse({ method, path }: Request, { status, body }: Answer): void {
    if (status < 300) return;
    const message = `${method} ${path}: ${(body as { message?: string } | null)?.message ?? `status ${status}`}`;
    const code = codes[status] ?? (status === 503 ? 'engine-down' : status === 504 ? 'engine-hung' : 'internal');
    throw runtimeFailure({ code, outcome: status < 500 || method === 'GET' ? 'no' : 'unknown', retryable: status >= 500 || status === 429, message });
  }
}

function deploymentOf(ref: InstanceRef, { spec, artifact, env }: Run<Options>): unknown {
  const labels = labelsOf(ref);
  const lines = Object.entries({ ...spec.env, ...env }).map(([name, value]) => ({ name, value }));
  const container = { name: 'worker', image: artifact.data, args: spec.command, env: lines };
  const { 'ostler.dev/generation': _, ...constant } = labels;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: nameOf(ref), labels },
    spec: {
      replicas: spec.options.replicas,
      // a selector may never change: it leaves the generation out
      selector: { matchLabels: constant },
      template: { metadata: { labels }, spec: { containers: [container], terminationGracePeriodSeconds: Math.ceil(spec.stop.graceMs / 1000) } },
    },
  };
}

function labelsOf(ref: InstanceRef): Readonly<Record<string, string>> {
  return { 'ostler.dev/agent': ref.agent, 'ostler.dev/worker': ref.worker, 'ostler.dev/generation': ref.generation, 'ostler.dev/instance': ref.instance };
}

function refOf({ metadata: { labels = {} } }: Deployment): InstanceRef {
  const of = (key: string) => labels[`ostler.dev/${key}`] ?? '';
  return { agent: of('agent'), worker: of('worker'), generation: of('generation'), instance: of('instance') };
}

const handleOf = ({ metadata: { uid } }: Deployment) => ({ version: 1, data: { uid } });
const isStopped = ({ metadata, spec, status }: Deployment) =>
  spec.replicas === 0 && status?.observedGeneration === metadata.generation && (status.replicas ?? 0) === 0;
