import type { Dependency } from '../spec/index.ts';
import type { Life } from './life.ts';
import type { Supervisor } from './supervisor.ts';

/** Why a dependency does not hold now; `null` = it does. `worker`: the one depended on, if there is one. */
export function lacking(rule: Dependency, worker: Supervisor | undefined): string | null {
  if (worker === undefined) return rule.optional ? null : `${rule.worker}, which is not on this host`;
  const { phase, health } = worker.life;
  const lasts = isUp(worker.life);
  const holds: Readonly<Record<string, boolean>> = {
    healthy: lasts && health === 'ok',
    started: lasts || phase === 'done',
    completed: phase === 'done',
    ended: phase === 'done' || phase === 'failed',
  };
  if (holds[rule.is] === true) return null;
  const now = worker.life.want === 'held' ? 'it is held' : phase === 'failed' ? 'it failed' : null;
  return `${rule.worker} to be ${rule.is}${now === null ? '' : ` (${now})`}`;
}

/** It runs, and can be seen. */
export const isUp = ({ phase, blind }: Life): boolean => phase === 'running' && blind === null;

/** Whether a dependency that was up for this rule is so no more. What cannot be seen, or is not known, says nothing. */
export function hasEnded({ is }: Dependency, worker: Supervisor | undefined): boolean {
  if (worker === undefined || worker.life.blind !== null || (is !== 'healthy' && is !== 'started')) return false;
  const { phase } = worker.life;
  return phase !== 'running' && phase !== 'unresolved' && !(phase === 'done' && is === 'started');
}

/** Workers in the order in which they start, dependencies first; what goes in a circle keeps its place. */
export function startOrder(all: readonly Supervisor[]): readonly Supervisor[] {
  const byName = new Map(all.map((one) => [one.worker, one]));
  const ordered: Supervisor[] = [];
  const seen = new Set<string>();
  const visit = (one: Supervisor): void => {
    if (seen.has(one.worker)) return;
    seen.add(one.worker);
    for (const { worker } of one.normal()?.rules.dependsOn ?? []) {
      const before = byName.get(worker);
      if (before) visit(before);
    }
    ordered.push(one);
  };
  for (const one of all) visit(one);
  return ordered;
}
