import type { Place } from '../base/problem.ts';
import { type Normal, preferenceOf, type Registry, type RuntimeClass, readWorker } from '../spec/index.ts';
import { type MapNode, nodeAt, type Path, placeAt, toJson } from './node.ts';

/** A worker as the first runtime of its list that runs containers sees it. */
export interface Contained {
  readonly name: string;
  readonly runtime: string;
  readonly normal: Normal;
  /** Where a field stands: in a block where one says it, else in the worker. */
  place(path: Path): Place;
}

/** `null`: it runs in no container on this host, or does not fit the schema, which is told elsewhere. */
export function contained(name: string, worker: MapNode, registry: Registry): Contained | null {
  const written = toJson(worker);
  const runtime = preferenceOf(written, registry).find((one) => registry.runtimes.get(one)?.class === 'container');
  if (runtime === undefined) return null;
  const read = readWorker(written, { name, runtime, baseDir: '/', registry });
  return read.ok ? { name, runtime, normal: read.normal, place: (path) => laidPlace(worker, path, runtime, 'container') } : null;
}

/** Where a field of a worker stands, be it in the block of its runtime, in that of the runtime's class or in the worker itself. */
function laidPlace(worker: MapNode, path: Path, runtime: string, runtimeClass: RuntimeClass): Place {
  const found = [[runtime], [runtimeClass], []].map((block) => [...block, ...path]).find((candidate) => nodeAt(worker, candidate));
  return placeAt(worker, found ?? path);
}
