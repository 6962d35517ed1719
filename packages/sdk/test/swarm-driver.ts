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
  type Replicas,
  type Run,
  type RuntimeDriver,
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

interface Service {
  readonly ID: string;
  readonly Version: { readonly Index: number };
  readonly CreatedAt: string;
  readonly Spec: {
    readonly Name: string;
    readonly Labels?: Readonly<Record<string, string>>;
    readonly Mode: { readonly Replicated: { readonly Replicas: number } };
  };
  readonly UpdateStatus?: { readonly State: string };
}

interface Task {
  readonly DesiredState: string;
  readonly Status: { readonly State: string };
}

const filters = (of: Readonly<Record<string, readonly string[]>>) => encodeURIComponent(JSON.stringify(of));
const nameOf = (ref: InstanceRef) => `ostler-${ref.worker}-${ref.instance}`;
const rollouts: Readonly<Record<string, Replicas['rollout']>> = { updating: 'going', rollback_started: 'going', completed: 'done' };

/** A swarm service per worker: the swarm starts its tasks again, and rolls forward by the service's version index. */
export class SwarmDriver implements RuntimeDriver<Options> {
  readonly restarts = 'engine';
  readonly #send: Send;

  constructor(send: Send) {
    this.#send = send;
  }

  async ping(): Promise<void> {
    await this.#ask({ method: 'GET', path: '/_ping' });
  }

  async facts(): Promise<EngineFacts> {
    const { Version } = (await this.#ask({ method: 'GET', path: '/version' })) as { Version: string };
    const limits = { memory: 'hard', cpu: 'hard', pids: 'hard', gpuMemory: 'none' } as const;
    return { engine: await this.#engine(), name: 'swarm', version: Version, limits, gpus: [], outlives: { agent: true, engine: true }, notes: [] };
  }

  check(spec: WorkerSpec<Options>): readonly Finding[] {
    return unhonoured(spec, 'swarm');
  }

  async resolve(spec: WorkerSpec<Options>): Promise<Artifact> {
    const reference = spec.images.at(-1)?.reference ?? '';
    const { Descriptor } = (await this.#ask({ method: 'GET', path: `/distribution/${reference}/json` })) as { Descriptor: { digest: string } };
    return { digest: Descriptor.digest, inputs: { image: reference }, data: `${reference.replace(/:[^/:]*$/, '')}@${Descriptor.digest}` };
  }

  /** Each node pulls for itself. */
  async prepare(): Promise<void> {}

  async start(ref: InstanceRef, run: Run<Options>): Promise<Observed> {
    const body = serviceOf(ref, run);
    const made = await this.#send({ method: 'POST', path: '/services/create', body });
    if (made.status === 409) {
      const there = await this.#service(ref);
      if (there !== null && there.Spec.Labels?.['ostler.generation'] !== ref.generation) await this.#update(there, body);
    } else this.#refuse({ method: 'POST', path: '/services/create' }, made);
    return this.#seen(ref);
  }

  async inspect({ ref }: Target): Promise<Found> {
    const engine = await this.#engine();
    const service = await this.#service(ref);
    return service === null ? { is: 'gone', engine } : this.#observed(service, engine);
  }

  async list(agent: string): Promise<{ readonly engine: string; readonly instances: readonly Listed[] }> {
    const engine = await this.#engine();
    const services = (await this.#ask({ method: 'GET', path: `/services?filters=${filters({ label: [`ostler.agent=${agent}`] })}` })) as Service[];
    return {
      engine,
      instances: services.map((one) => ({ ref: refOf(one), handle: handleOf(one), is: one.Spec.Mode.Replicated.Replicas === 0 ? 'exited' : 'running' })),
    };
  }

  /** The swarm's events carry no task states: the list finds what changed. */
  async *watch(): AsyncGenerator<Hint> {
    yield { kind: 'gap', why: 'a swarm tells nothing of its tasks by itself' };
  }

  async stop({ ref }: Target, _how: StopRule, call: Call): Promise<Found> {
    const engine = await this.#engine();
    const service = await this.#service(ref);
    if (service === null) return { is: 'gone', engine };
    if (service.Spec.Mode.Replicated.Replicas !== 0) await this.#update(service, { ...service.Spec, Mode: { Replicated: { Replicas: 0 } } });
    for (;;) {
      const found = await this.inspect({ ref, handle: null });
      if (found.is !== 'running') return found;
      if (call.signal.aborted)
        throw runtimeFailure({ code: 'timeout', outcome: 'unknown', retryable: true, message: `${nameOf(ref)} was scaled to none and still runs` });
    }
  }

  async remove({ ref }: Target): Promise<void> {
    const service = await this.#service(ref);
    if (service === null) return;
    if (service.Spec.Mode.Replicated.Replicas !== 0)
      throw runtimeFailure({ code: 'conflict', outcome: 'no', retryable: false, message: `service ${service.Spec.Name} still runs; stop it first` });
    await this.#ask({ method: 'DELETE', path: `/services/${service.ID}` }, [404]);
  }

  async *logs({ ref }: Target, from: LogFrom, follow: boolean): AsyncGenerator<LogRecord> {
    const since = sinceOf(from);
    const tail = typeof from === 'object' && 'tailLines' in from ? `&tail=${from.tailLines}` : '';
    const path = `/services/${nameOf(ref)}/logs?stdout=true&stderr=true&timestamps=true&details=true&follow=${follow}${tail}`;
    const bytes = (await this.#ask({ method: 'GET', path: since === null ? path : `${path}&since=${Math.floor(Date.parse(since) / 1000)}` })) as Uint8Array;
    const cursor = cursors();
    for (let at = 0; at < bytes.length; ) {
      const size = Buffer.from(bytes).readUInt32BE(at + 4);
      const [stamp = '', details = '', ...text] = Buffer.from(bytes.subarray(at + 8, at + 8 + size))
        .toString('latin1')
        .split(' ');
      const task = /com\.docker\.swarm\.task\.id=([^,]+)/.exec(details)?.[1] ?? 'unknown';
      yield { cursor: cursor(task, stamp), at: stamp, stream: bytes[at] === 2 ? 'stderr' : 'stdout', bytes: Buffer.from(text.join(' '), 'latin1') };
      at += 8 + size;
    }
  }

  async close(): Promise<void> {}

  async #engine(): Promise<string> {
    return ((await this.#ask({ method: 'GET', path: '/swarm' })) as { ID: string }).ID;
  }

  async #seen(ref: InstanceRef): Promise<Observed> {
    const found = await this.inspect({ ref, handle: null });
    if (found.is !== 'gone') return found;
    throw runtimeFailure({ code: 'internal', outcome: 'unknown', retryable: true, message: `service ${nameOf(ref)} was made and is not there` });
  }

  async #service(ref: InstanceRef): Promise<Service | null> {
    const service = (await this.#ask({ method: 'GET', path: `/services/${nameOf(ref)}` }, [404])) as Service | null;
    if (service !== null && service.Spec.Labels?.['ostler.agent'] !== ref.agent)
      throw runtimeFailure({ code: 'conflict', outcome: 'no', retryable: false, message: `a service ${nameOf(ref)} is there which this agent did not make` });
    return service;
  }

  async #observed(service: Service, engine: string): Promise<Observed> {
    const tasks = (await this.#ask({ method: 'GET', path: `/tasks?filters=${filters({ service: [service.ID] })}` })) as Task[];
    const want = service.Spec.Mode.Replicated.Replicas;
    const ready = tasks.filter((one) => one.Status.State === 'running').length;
    const base = { ref: refOf(service), handle: handleOf(service), engine };
    if (want === 0 && ready === 0) return { ...base, is: 'exited', exit: { code: null, signal: null, at: null, oom: 'unknown', evidence: 'none' } };
    const restarts = tasks.filter((one) => one.DesiredState === 'shutdown').length;
    const state = service.UpdateStatus?.State;
    const rollout = state === undefined ? (ready >= want ? 'done' : 'going') : (rollouts[state] ?? 'failed');
    return { ...base, is: 'running', startedAt: service.CreatedAt, endpoints: [], replicas: { want, ready, restarts, rollout } };
  }

  async #update(service: Service, body: unknown): Promise<void> {
    await this.#ask({ method: 'POST', path: `/services/${service.ID}/update?version=${service.Version.Index}`, body });
  }

  async #ask(request: Request, absent: readonly number[] = []): Promise<unknown> {
    const answer = await this.#send(request);
    if (absent.includes(answer.status)) return null;
    this.#refuse(request, answer);
    return answer.body;
  }

  #refuse({ method, path }: Request, { status, body }: Answer): void {
    if (status < 300) return;
    const text = (body as { message?: string } | null)?.message ?? `status ${status}`;
    const message = `${method} ${path}: ${text}`;
    const outcome = status < 500 || method === 'GET' ? 'no' : 'unknown';
    // a manager that lost its quorum: the services are there, nobody can say so
    if (status === 500 && /DeadlineExceeded/.test(text)) throw runtimeFailure({ code: 'engine-hung', outcome, retryable: true, message });
    // an update that lost its race by version index is told as 500
    if (status === 409 || /update out of sequence/.test(text)) throw runtimeFailure({ code: 'conflict', outcome: 'no', retryable: true, message });
    if (status === 404) throw runtimeFailure({ code: 'not-found', outcome, retryable: false, message });
    if (status === 400) throw runtimeFailure({ code: 'invalid', outcome, retryable: false, message });
    throw runtimeFailure({ code: status === 503 ? 'engine-down' : 'internal', outcome, retryable: status >= 500, message });
  }
}

function serviceOf(ref: InstanceRef, { spec, artifact, env }: Run<Options>): unknown {
  const labels = { 'ostler.agent': ref.agent, 'ostler.worker': ref.worker, 'ostler.generation': ref.generation, 'ostler.instance': ref.instance };
  const lines = Object.entries({ ...spec.env, ...env }).map(([key, value]) => `${key}=${value}`);
  const container = {
    Image: artifact.data,
    Args: spec.command,
    Env: lines,
    Labels: labels,
    StopGracePeriod: spec.stop.graceMs * 1e6,
    ...(spec.stop.signal === null ? {} : { StopSignal: spec.stop.signal }),
  };
  return {
    Name: nameOf(ref),
    Labels: labels,
    TaskTemplate: { ContainerSpec: container, RestartPolicy: { Condition: 'any' } },
    Mode: { Replicated: { Replicas: spec.options.replicas } },
    UpdateConfig: { Parallelism: 1, FailureAction: 'pause' },
  };
}

function refOf({ Spec: { Labels = {} } }: Service): InstanceRef {
  const of = (key: string) => Labels[`ostler.${key}`] ?? '';
  return { agent: of('agent'), worker: of('worker'), generation: of('generation'), instance: of('instance') };
}

const handleOf = ({ ID }: Service) => ({ version: 1, data: { service: ID } });
