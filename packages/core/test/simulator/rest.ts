import type { Supervisor } from '../../src/supervise/index.ts';
import { canary } from './agent.ts';
import type { View } from './invariants.ts';

/** `without`: an engine that still hangs; what is on it, or waits for what is, need not have come to rest. */
export interface Rest {
  readonly without: string | null;
}

/** Whether all is as it should be once nothing fails any more; what is not, in a sentence. */
export function unsettled(view: View, { without }: Rest): string | null {
  const { engines, agent } = view;
  if (agent === null || !agent.isUp) return without === null ? 'the agent is not up' : null;
  const running = new Map(
    engines.flatMap(({ instances }) => [...instances.values()].filter(({ is }) => is === 'running')).map((real) => [real.ref.worker, real]),
  );
  for (const one of agent.crew.all()) {
    if (without !== null && isOn(one, without, view)) continue;
    const why = unrest(one, running.get(one.worker)?.ref.instance ?? null, view);
    if (why !== null) return why;
  }
  if (without !== null) return null;
  for (const [worker, { ref }] of running) if (agent.crew.get(worker)?.life.instance !== ref.instance) return `${worker}/${ref.instance} runs and is nobody's`;
  return null;
}

function isOn(one: Supervisor, engine: string, view: View, depth = 0): boolean {
  if (one.runtimeName() === engine || one.generation()?.runtime === engine || depth > 12) return true;
  return (one.normal()?.rules.dependsOn ?? []).some(({ worker }) => {
    const other = view.agent?.crew.get(worker);
    return other !== undefined && isOn(other, engine, view, depth + 1);
  });
}

function unrest(one: Supervisor, real: string | null, { engines, disk, agent }: View): string | null {
  const { worker, life } = one;
  const { phase, want, blind } = life;
  const row = disk.workers.get(worker);
  // Nobody but a person knows what became of one whose engine has another store now.
  const store = life.instance === null ? null : one.instances.get(life.instance)?.engine;
  if (blind !== null && store && !engines.some((engine) => engine.store === store)) return null;
  if (blind !== null) return `${worker} cannot be seen`;
  if (row !== undefined && (row.phase !== phase || row.want !== want || row.instance !== life.instance))
    return `${worker} is ${phase}, ${want} (${life.instance}); by its row ${row.phase}, ${row.want} (${row.instance})`;
  if (phase === 'running') {
    if (real !== life.instance) return `${worker} is taken for running and is not`;
    if (disk.instances.get(`${worker}/${real}`)?.state !== 'running')
      return `${worker}/${real} runs and is ${disk.instances.get(`${worker}/${real}`)?.state} by its row`;
    return want === 'run' ? null : `${worker} runs and is ${want}`;
  }
  if (real !== null) return `${worker} runs and is ${phase}`;
  if (want === 'removed' && one.generation() !== null) return `${worker} is removed, at rest and still there`;
  if (['done', 'failed', 'backoff'].includes(phase)) return null;
  if (phase === 'idle' && (want !== 'run' || one.normal()?.rules.kind === 'cron')) return null;
  // Or found on an engine and not in the store: it waits for the host file.
  if (phase === 'waiting' && agent!.crew.services.missing(worker) !== null) return null;
  if (one.generation() === null) return null;
  return `${worker} is ${phase} (${life.reason}), wanted to ${want}`;
}

/** The value of a secret, where it must not be. */
export function leaked({ disk }: View): string | null {
  const kept = JSON.stringify([disk.journal, [...disk.workers.values()], [...disk.instances.values()]]);
  return kept.includes(canary) ? 'the value of a secret is on the disk' : null;
}
