import type { Call, InstanceRef, Run } from '../src/index.ts';

export interface Request {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** One exchange with a cluster's API: the transport is injected, so that a driver is its requests and its reading of answers. */
export type Send = (request: Request) => Promise<Answer>;

/** Plays answers in order and keeps what was asked; one request more than there are answers is an error. */
export function recorded(...answers: readonly Answer[]): { readonly send: Send; readonly asked: Request[] } {
  const asked: Request[] = [];
  const send: Send = async (request) => {
    const answer = answers[asked.length];
    asked.push(request);
    if (answer === undefined) throw new Error(`no answer is recorded for request ${asked.length}: ${request.method} ${request.path}`);
    return answer;
  };
  return { send, asked };
}

export const ok = (body: unknown, status = 200): Answer => ({ status, body });

export const call: Call = { signal: new AbortController().signal, deadlineMs: Number.MAX_SAFE_INTEGER, progress() {}, output() {} };

export const ref: InstanceRef = { agent: 'a1', worker: 'web', generation: '2-bb', instance: 'live' };

export const run: Run<{ replicas: number }> = {
  spec: {
    name: 'web',
    kind: 'service',
    command: ['serve', '--all'],
    entrypoint: null,
    workingDir: null,
    user: null,
    groups: [],
    env: { LOG_LEVEL: 'info' },
    ports: [],
    mounts: [],
    limits: { cpus: null, memoryBytes: null, memorySwapBytes: null, pids: null },
    gpu: null,
    stop: { signal: 'SIGTERM', graceMs: 10_000 },
    logs: { maxSizeBytes: 1_000_000, maxFiles: 3 },
    notify: null,
    imageHealth: null,
    noNewPrivileges: true,
    readOnly: false,
    init: false,
    tty: false,
    labels: {},
    ulimits: {},
    images: [],
    more: {},
    baseDir: '/srv',
    options: { replicas: 2 },
  },
  artifact: { digest: 'sha256:11', inputs: {}, data: 'registry.example/web@sha256:11' },
  secrets: { files: [], env: {} },
  env: { OSTLER_WORKER: 'web' },
  shares: null,
  gpus: [],
  traffic: 'live',
};

/** Records of an iterable, at most `count`. */
export async function take<T>(from: AsyncIterable<T>, count: number): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const one of from) {
    all.push(one);
    if (all.length === count) break;
  }
  return all;
}
