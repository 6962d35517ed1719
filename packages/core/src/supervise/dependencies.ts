import type { Dependency } from '../spec/index.ts';
import type { Supervisor } from './supervisor.ts';

/** Why a dependency does not hold now; `null` = it does. `worker`: the one depended on, if there is one. */
export function lacking(rule: Dependency, worker: Supervisor | undefined): string | null {
  if (worker === undefined) return rule.optional ? null : `${rule.worker}, which is not on this host`;
  const { phase, health, blind } = worker.life;
  const lasts = phase === 'running' && blind === null;
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
  for (const one of [...all].sort((a, b) => (a.worker < b.worker ? -1 : 1))) visit(one);
  return ordered;
}
