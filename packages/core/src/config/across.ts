import type { Port } from '@ostler/sdk';
import type { Place } from '../base/problem.ts';
import { collide, isMap, nearest, preferenceOf, type Registry, readWorker, workerStates } from '../spec/index.ts';
import type { Faults } from './issues.ts';
import { type MapNode, nodeAt, placeAt, toJson } from './node.ts';
import { sharedBy } from './sharing.ts';

/**
 * Names of `dependsOn`: they exist, their states are possible, they do not go in a circle, nor do they with whose network is shared. `left`: why a
 * known worker does not run here.
 */
export function checkDependencies(workers: ReadonlyMap<string, MapNode>, left: ReadonlyMap<string, string>, registry: Registry, faults: Faults): void {
  const edges = new Map<string, readonly { readonly to: string; readonly at: Place }[]>();
  const sharers = new Map<string, string>();
  for (const [name, worker] of workers) {
    const group = nodeAt(worker, ['dependsOn']);
    const own: { to: string; at: Place }[] = [];
    for (const [to, entry] of group?.is === 'map' ? group.entries : []) {
      const rule = toJson(entry.value);
      const is = typeof rule === 'string' ? rule : isMap(rule) ? rule['is'] : undefined;
      const isOptional = isMap(rule) && rule['optional'] === true;
      if (registry.facts?.has(to) && !workers.has(to)) continue;
      const reason = left.get(to);
      if (!workers.has(to)) {
        if (isOptional) continue;
        if (reason) {
          faults.invalid(
            `workers.${name}.dependsOn: ${to} does not run here: ${reason}`,
            entry.at,
            `Enable it, or write \`${to}: { is: ${typeof is === 'string' ? is : 'healthy'}, optional: true }\`.`,
          );
          continue;
        }
        const near = nearest(
          to,
          [...workers.keys(), ...left.keys(), ...(registry.facts ?? [])].filter((other) => other !== name),
        );
        faults.invalid(
          `workers.${name}.dependsOn: there is no worker \`${to}\``,
          entry.at,
          near ? `Did you mean \`${near}\`?` : `Workers: ${[...workers.keys()].filter((other) => other !== name).join(', ') || 'no other'}.`,
        );
        continue;
      }
      if (typeof is === 'string' && !workerStates.includes(is))
        faults.invalid(
          `workers.${name}.dependsOn.${to}: \`${is}\` is no state of a worker; expected ${workerStates.join(', ')}`,
          placeAt(worker, ['dependsOn', to]),
          hintState(is),
        );
      own.push({ to, at: entry.at });
    }
    const shared = sharedBy(name, worker, registry);
    if (shared !== null && shared.owner !== name && workers.has(shared.owner)) {
      sharers.set(name, shared.owner);
      if (!own.some(({ to }) => to === shared.owner)) own.push({ to: shared.owner, at: shared.at });
    }
    edges.set(name, own);
  }
  for (const { path, at } of circles(edges)) {
    const steps = path.slice(1).map((to, index) => sharers.get(path[index]!) === to);
    const by = steps.every(Boolean) ? '`networkMode` goes' : steps.some(Boolean) ? '`dependsOn` and `networkMode` go' : '`dependsOn` goes';
    faults.invalid(`${by} in a circle: ${path.join(' -> ')}`, at, 'Remove one of these dependencies.');
  }
}

function hintState(is: string): string | undefined {
  const compose: Readonly<Record<string, string>> = {
    service_healthy: 'healthy',
    service_started: 'started',
    service_completed_successfully: 'completed',
    running: 'started',
  };
  const meant = (Object.hasOwn(compose, is) ? compose[is] : null) ?? nearest(is, workerStates);
  return meant ? `Did you mean \`${meant}\`?` : undefined;
}

/** Each circle once. Iterative, since a chain may be as long as the file allows. */
export function circles(
  edges: ReadonlyMap<string, readonly { readonly to: string; readonly at: Place }[]>,
): readonly { readonly path: readonly string[]; readonly at: Place }[] {
  const found: { path: readonly string[]; at: Place }[] = [];
  const done = new Set<string>();
  for (const start of edges.keys()) {
    const trail: { name: string; next: number }[] = [{ name: start, next: 0 }];
    const open = new Set([start]);
    while (trail.length > 0) {
      const here = trail.at(-1)!;
      const edge = done.has(here.name) ? undefined : edges.get(here.name)?.[here.next];
      if (!edge) {
        trail.pop();
        open.delete(here.name);
        done.add(here.name);
        continue;
      }
      here.next += 1;
      if (open.has(edge.to)) {
        const names = trail.map((step) => step.name);
        found.push({ path: [...names.slice(names.indexOf(edge.to)), edge.to], at: edge.at });
      } else if (!done.has(edge.to)) {
        trail.push({ name: edge.to, next: 0 });
        open.add(edge.to);
      }
    }
  }
  return found;
}

/** In its own fields or in a block. */
const hasPorts = (worker: MapNode): boolean =>
  worker.entries.has('ports') || [...worker.entries.values()].some(({ value }) => value.is === 'map' && value.entries.has('ports'));

/** Two workers cannot hold one port of the host. Each is looked at as the first runtime of its list that is installed sees it. */
export function checkPorts(workers: ReadonlyMap<string, MapNode>, registry: Registry, faults: Faults): void {
  const held: { readonly name: string; readonly port: Port; readonly at: Place }[] = [];
  for (const [name, worker] of workers) {
    if (!hasPorts(worker)) continue;
    const written = toJson(worker);
    const runtime = preferenceOf(written, registry).find((one) => registry.runtimes.has(one));
    if (!runtime) continue;
    const read = readWorker(written, { name, runtime, baseDir: '/', registry });
    if (!read.ok) continue;
    for (const [index, port] of read.normal.spec.ports.entries()) {
      const path = [[runtime], [registry.runtimes.get(runtime)!.class], []]
        .map((block) => [...block, 'ports', index])
        .find((candidate) => nodeAt(worker, candidate)) ?? ['ports'];
      const at = placeAt(worker, path);
      const other = held.find((one) => one.name !== name && collide(one.port, port));
      if (other && port.publish)
        faults.invalid(
          `workers.${name} and workers.${other.name} both publish port ${port.publish.port}/${port.protocol} (${other.name}: ${other.at.file}:${other.at.line}:${other.at.column})`,
          at,
          'Give one of them another port.',
        );
      held.push({ name, port, at });
    }
  }
}
