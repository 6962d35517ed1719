import { preferenceOf, type Registry } from '../spec/index.ts';
import { type MapNode, map, nodeAt, toJson, withNode } from './node.ts';
import { partsOf } from './worker-node.ts';

/** What the host file says of the volumes that a worker mounts, put where its generation keeps it: it runs on without the file. */
export function withVolumes(worker: MapNode, volumes: MapNode | null, registry: Registry): MapNode {
  if (volumes === null || !preferenceOf(toJson(worker), registry).some((name) => registry.runtimes.get(name)?.class === 'container')) return worker;
  const mounted = partsOf(worker, registry).flatMap((part) => {
    const mounts = nodeAt(worker, [...part, 'mounts']);
    return (mounts?.is === 'list' ? mounts.items : []).flatMap((mount) => {
      const volume = nodeAt(mount, ['volume']);
      return volume?.is === 'scalar' ? [String(volume.value)] : [];
    });
  });
  // One of which nothing is said is the driver's own: no difference to one that is not named.
  const used = [...volumes.entries].filter(([name, { value }]) => mounted.includes(name) && value.is === 'map' && value.entries.size > 0);
  return used.length === 0 ? worker : withNode(worker, ['volumeDefinitions'], map(new Map(used), worker.at));
}
