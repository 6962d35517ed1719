import { type Faults, shown } from './issues.ts';
import { type MapNode, type Node, nodeAt, placeAt } from './node.ts';

/**
 * Fields of the host file's form that this version reads and checks but does nothing with, and whose silence would mislead: somebody would
 * rely on them. `*` stands for any name. What a driver alone decides on (devices, networks …) is not here: it is handed to the driver.
 */
export const notYet: { readonly file: readonly string[]; readonly worker: readonly string[] } = {
  file: ['alerts', 'sync', 'recover', 'agent.api', 'agent.engineCommand'],
  worker: ['alerts', 'expose', 'files', 'hooks', 'needsMounts', 'recover', 'reload', 'update', 'stop.command', 'health.mcp', 'health.generate'],
};

/** Refuses what stands there and is not empty or switched off. `provided`: health probes that a plugin brings. */
export function refuseNotYet(faults: Faults, node: MapNode, patterns: readonly string[], prefix: string, provided: readonly string[] = []): void {
  for (const pattern of patterns) {
    if (provided.includes(pattern)) continue;
    for (const path of matches(node, pattern.split('.'))) {
      const value = nodeAt(node, path);
      if (value && !isOff(value))
        faults.invalid(
          `${shown(prefix, path)} is not supported by this version of ostler, and leaving it out silently would mislead`,
          placeAt(node, path, 'key'),
          'Remove it.',
        );
    }
  }
}

function matches(node: Node, steps: readonly string[]): readonly (readonly string[])[] {
  const [step, ...rest] = steps;
  if (step === undefined) return [[]];
  if (node.is !== 'map') return [];
  const names = step === '*' ? [...node.entries.keys()] : node.entries.has(step) ? [step] : [];
  return names.flatMap((name) => matches(node.entries.get(name)!.value, rest).map((path) => [name, ...path]));
}

function isOff(node: Node): boolean {
  if (node.is === 'map') return node.entries.size === 0;
  if (node.is === 'list') return node.items.length === 0;
  return node.value === null || node.value === false;
}
