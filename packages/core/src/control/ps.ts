import type { PsDocument, PsWorker } from '../api/wire.ts';
import { findingsOf } from '../reconcile/index.ts';
import type { Normal } from '../spec/index.ts';
import { type Supervisor, stateOf } from '../supervise/index.ts';
import type { Parts } from './parts.ts';

export function psDocument(parts: Parts): PsDocument {
  return {
    version: 1,
    agent: parts.agentId,
    host: parts.hostName(),
    engines: [...parts.hosting.runtimes.values()].map((runtime) => {
      const { state, since, reason } = runtime.state();
      return { runtime: runtime.hosted.name, state, since, reason };
    }),
    workers: parts.crew.all().map((one) => psWorker(parts, one)),
  };
}

export function psWorker(parts: Parts, of: Supervisor): PsWorker {
  const { life, live } = of;
  const shown = of.normal(of.generation(life.phase === 'running' ? life.instanceGeneration : life.generation)) ?? of.normal();
  const record = life.instance === null ? null : of.instances.get(life.instance);
  const last = of.instances.all().findLast((one) => one.exit !== null);
  return {
    name: of.worker,
    runtime: of.runtimeName(),
    kind: shown?.rules.kind ?? 'service',
    state: stateOf(life),
    want: life.want,
    heldBy: life.heldBy,
    health: life.health,
    generation: life.generation,
    since: life.blind?.since ?? life.since,
    instance: life.instance,
    image: imageOf(shown),
    native: of.runtimeName() !== null && parts.hosting.runtimes.get(of.runtimeName()!)?.hosted.class === 'process' ? { pid: live?.pid ?? null } : null,
    restarts: life.restarts,
    startedAt: life.phase === 'running' ? (record?.startedAt ?? null) : null,
    nextTryAt: life.nextTryAt,
    reason: life.blind === null ? life.reason : `its runtime cannot be asked: ${life.blind.reason}`,
    exit: last?.exit ?? null,
    ports: (shown?.spec.ports ?? []).map(({ name, port, publish, protocol }) => ({ name, port, publish: publish === null ? null : { ...publish }, protocol })),
    unenforced: shown === null ? [] : [...unenforced(parts, of, shown), ...forbidden(parts, of, shown)],
    pendingChange: parts.pending().has(of.worker),
  };
}

/** One that is built goes by its name in the host file. */
function imageOf(shown: Normal | null): string | null {
  const last = shown?.spec.images.at(-1);
  return last?.reference ?? last?.name ?? null;
}

const cache = new WeakMap<Normal, { readonly facts: unknown; readonly texts: readonly string[] }>();

/** Asked of the driver once for each generation and each answer of the engine. */
function unenforced(parts: Parts, of: Supervisor, normal: Normal): readonly string[] {
  const access = parts.crew.services.runtime(of.runtimeName() ?? '');
  const facts = access?.facts() ?? null;
  if (access === null || facts === null) return [];
  const known = cache.get(normal);
  if (known?.facts === facts) return known.texts;
  const texts = findingsOf(access, normal, { services: parts.crew.services })
    .filter(({ level }) => level === 'unenforced')
    .map(({ text }) => text);
  cache.set(normal, { facts, texts });
  return texts;
}

/** A policy that has become tighter stops nothing. */
function forbidden(parts: Parts, of: Supervisor, { spec }: Normal): readonly string[] {
  const access = parts.crew.services.runtime(of.runtimeName() ?? '');
  if (access === null || of.life.phase !== 'running') return [];
  const found = parts.policing.findings({ runtime: access.name, class: access.class, spec });
  return found.map(({ text }) => `${text}; it runs on as it is, and is not started again`);
}
