import { dirname, isAbsolute, relative, resolve } from 'node:path';
import type { Place } from '../base/problem.ts';
import { classes, type Registry } from '../spec/index.ts';
import type { Faults } from './issues.ts';
import { list, type MapNode, map, type Node, nodeAt, type Path, type ScalarNode, withNode, without } from './node.ts';
import { readEnvFile, refuseLossy } from './vars.ts';

/** The worker itself and the blocks in it: all of them hold worker fields. */
export function partsOf(worker: MapNode, registry: Registry): readonly Path[] {
  const blocks = [...classes, ...registry.runtimes.keys()].filter((name) => worker.entries.get(name)?.value.is === 'map');
  return [[], ...blocks.map((name) => [name])];
}

/** `envFile` read into `env`, which wins: what runs depends on what is in the file, so that belongs to what was written. */
export async function withEnvFiles(worker: MapNode, registry: Registry, faults: Faults, files: Set<string>): Promise<MapNode> {
  let result = worker;
  for (const part of partsOf(worker, registry)) {
    const block = nodeAt(result, part);
    const named = block?.is === 'map' ? block.entries.get('envFile')?.value : undefined;
    if (block?.is !== 'map' || !named) continue;
    const env = new Map<string, { at: Place; value: Node }>();
    for (const item of named.is === 'list' ? named.items : [named]) {
      if (item.is !== 'scalar' || typeof item.value !== 'string') continue;
      const path = resolve(dirname(item.at.file), item.value);
      files.add(path);
      const read = await faults.collect(() => readEnvFile(path, item.at));
      // a dollar sign was doubled for files of variables; here nothing is filled in any more
      for (const [key, value] of read ?? []) env.set(key, { at: value.at, value: { ...value, value: String(value.value).replaceAll('$$', '$') } });
    }
    const own = block.entries.get('env')?.value;
    if (own && own.is !== 'map') continue;
    for (const [key, entry] of own?.entries ?? []) env.set(key, entry);
    const changed = without(withNode(block, ['env'], map(env, own?.at ?? named.at)), 'envFile');
    result = part.length === 0 ? changed : withNode(result, part, changed);
  }
  return result;
}

/** Fields whose paths stand against the file they are written in. `*`: any item. */
const pathFields = [
  'workingDir',
  'mounts.*.from',
  'build',
  'build.context',
  'secrets.files.*',
  'secrets.files.*.ref',
  'secrets.env.*',
  'files.*.from',
  'setup.python.requirements',
  'container.seccomp',
  'health.file',
  'health.file.path',
];

/** Relative paths that stand in another folder's file, written anew against `baseDir`. What stands in the host file's folder stays as it is. */
export function withPaths(worker: MapNode, registry: Registry, baseDir: string): MapNode {
  let result = worker;
  for (const part of partsOf(worker, registry))
    for (const field of pathFields)
      for (const path of expand(result, [...part, ...field.split('.')])) {
        const node = nodeAt(result, path);
        if (node?.is !== 'scalar' || typeof node.value !== 'string') continue;
        if (field === 'container.seccomp' && node.value === 'unconfined') continue;
        const folder = dirname(node.at.file);
        const rebased = rebase(node.value, folder, baseDir, field.startsWith('secrets'));
        if (rebased !== node.value) result = replace(result, path, { ...node, value: rebased }) as MapNode;
      }
  return result;
}

export function rebase(value: string, folder: string, baseDir: string, isSecret: boolean): string {
  if (folder === baseDir) return value;
  const scheme = isSecret ? 'file:' : '';
  if (isSecret && !value.startsWith(scheme)) return value;
  const path = value.slice(scheme.length);
  return isAbsolute(path) || path === '' ? value : `${scheme}${relative(baseDir, resolve(folder, path)) || '.'}`;
}

function expand(node: Node, path: Path): readonly Path[] {
  const star = path.indexOf('*');
  if (star < 0) return nodeAt(node, path) ? [path] : [];
  const here = nodeAt(node, path.slice(0, star));
  const keys: readonly (string | number)[] = here?.is === 'list' ? [...here.items.keys()] : here?.is === 'map' ? [...here.entries.keys()] : [];
  return keys.flatMap((key) => expand(node, [...path.slice(0, star), key, ...path.slice(star + 1)]));
}

function replace(node: Node, path: Path, value: Node): Node {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  if (node.is === 'list')
    return list(
      node.items.map((item, index) => (index === step ? replace(item, rest, value) : item)),
      node.at,
    );
  if (node.is !== 'map') return node;
  const old = node.entries.get(String(step));
  if (!old) return node;
  return map(new Map([...node.entries, [String(step), { at: old.at, value: replace(old.value, rest, value) }]]), node.at);
}

/** Fields that take texts where a number or true/false does as well: there a bare `1.10` would silently become 1.1. */
const textual = [
  'env.*',
  'labels.*',
  'sysctls.*',
  'extraHosts.*',
  'build.args.*',
  'command.*',
  'entrypoint.*',
  'health.exec.*',
  'health.exec.command.*',
  'health.http.headers.*',
  'user',
  'groups.*',
  'stop.command.*',
  'ports.*',
];

export function refuseLossyTexts(worker: MapNode, registry: Registry, faults: Faults, name: string): void {
  for (const part of partsOf(worker, registry))
    for (const field of textual)
      for (const path of expand(worker, [...part, ...field.split('.')])) {
        const node = nodeAt(worker, path);
        if (node?.is !== 'scalar' || node.lossyText === null) continue;
        void faults.collect(() => refuseLossy(node as ScalarNode, `${name}.${path.join('.')}`));
      }
}
