import type { Place } from '../base/problem.ts';
import { nearest, ownerOf, preferenceOf, type Registry } from '../spec/index.ts';
import type { Faults } from './issues.ts';
import { contained } from './laid-place.ts';
import { type MapNode, toJson } from './node.ts';

/** The worker whose network one shares by `networkMode: worker:NAME`, and where that is said; `null` = it has its own. */
export function sharedBy(name: string, worker: MapNode, registry: Registry): { readonly owner: string; readonly at: Place } | null {
  const found = contained(name, worker, registry);
  const owner = found === null ? null : ownerOf(found.normal.spec);
  return owner === null || found === null ? null : { owner, at: found.place(['networkMode']) };
}

/** Whose network is shared: that one runs here, in a container, and has one of its own. `left`: why a known worker does not run here. */
export function checkSharing(workers: ReadonlyMap<string, MapNode>, left: ReadonlyMap<string, string>, registry: Registry, faults: Faults): void {
  for (const [name, worker] of workers) {
    const shared = sharedBy(name, worker, registry);
    if (shared === null) continue;
    const { owner, at } = shared;
    const bad = (text: string, hint?: string): void => faults.invalid(`workers.${name}.networkMode: ${text}`, at, hint);
    const other = workers.get(owner);
    if (owner === name) bad('it cannot share its own network', 'Name another worker, or leave it out.');
    else if (other === undefined) {
      const reason = left.get(owner);
      const near = nearest(
        owner,
        [...workers.keys()].filter((one) => one !== name),
      );
      if (reason !== undefined) bad(`${owner} does not run here: ${reason}`, 'Enable it, or leave `networkMode` out.');
      else
        bad(
          `there is no worker \`${owner}\``,
          near ? `Did you mean \`worker:${near}\`?` : `Workers: ${[...workers.keys()].filter((one) => one !== name).join(', ') || 'no other'}.`,
        );
    } else checkOwner(name, owner, other, workers, registry, bad);
    const state = contained(name, worker, registry)?.normal.rules.dependsOn.find((rule) => rule.worker === owner)?.is;
    if (state === 'completed' || state === 'ended')
      bad(
        `${owner} has to run for its network to be shared, so \`dependsOn\` cannot wait for it to be ${state}`,
        `Write \`dependsOn: { ${owner}: healthy }\` or \`started\`.`,
      );
  }
}

function checkOwner(
  name: string,
  owner: string,
  other: MapNode,
  workers: ReadonlyMap<string, MapNode>,
  registry: Registry,
  bad: (text: string, hint?: string) => void,
): void {
  const classes = preferenceOf(toJson(other), registry).flatMap((runtime) => registry.runtimes.get(runtime)?.class ?? []);
  if (classes.length > 0 && !classes.includes('container')) {
    bad(`${owner} is no container: a process has the host's own network`, 'For that one write `networkMode: host`.');
    return;
  }
  const next = sharedBy(owner, other, registry)?.owner;
  // A circle is told as one.
  if (next === undefined || next === owner || !workers.has(next) || leadsTo(name, next, workers, registry)) return;
  bad(`${owner} has no network of its own: it shares that of ${next}`, `Write \`worker:${next}\`.`);
}

/** Whether one gets to a worker by going from each to the one whose network it shares. */
function leadsTo(name: string, from: string, workers: ReadonlyMap<string, MapNode>, registry: Registry): boolean {
  const seen = new Set<string>();
  for (let here: string | undefined = from; here !== undefined && !seen.has(here); ) {
    if (here === name) return true;
    seen.add(here);
    const worker = workers.get(here);
    here = worker === undefined ? undefined : sharedBy(here, worker, registry)?.owner;
  }
  return false;
}
