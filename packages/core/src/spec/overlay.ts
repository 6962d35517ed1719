import type { Json } from '@ostler/sdk';
import type { Registry, RuntimeClass } from './registry.ts';
import { classes, splitBlock } from './worker.ts';

export type Written = { readonly [key: string]: Json };

export const isMap = (value: Json | undefined): value is Written => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Maps merge, scalars and lists replace, later wins: the rule of `extends`, for plain values. */
export function overlay(earlier: Json, later: Json): Json {
  if (!isMap(earlier) || !isMap(later)) return later;
  const merged = new Map<string, Json>(Object.entries(earlier));
  for (const [key, value] of Object.entries(later)) merged.set(key, merged.has(key) ? overlay(merged.get(key)!, value) : value);
  return Object.fromEntries(merged);
}

/** One of these says what the others would say: setting it again replaces them all. */
const alternatives = [
  ['command', 'shell'],
  ['image', 'build', 'imageChain'],
];

/** The worker as one runtime sees it: class block over own fields, runtime block over that; other blocks left out. */
export function layBlocks(
  written: Written,
  runtime: string,
  runtimeClass: RuntimeClass,
  registry: Registry,
): { readonly flat: Written; readonly options: Written } {
  const blockNames = new Set<string>([...classes, ...registry.runtimes.keys()]);
  let flat: Written = Object.fromEntries(Object.entries(written).filter(([key, value]) => !blockNames.has(key) && !(isMap(value) && isForeignBlock(key))));
  const classBlock = written[runtimeClass];
  const own = registry.runtimes.get(runtime);
  let extra: Written = {};
  if (isMap(classBlock)) {
    const { fields, rest } = runtimeClass === 'container' ? containerPart(classBlock) : { fields: classBlock, rest: {} };
    extra = rest;
    flat = lay(flat, fields);
  }
  let options: Written = {};
  const runtimeBlock = written[runtime];
  if (own && isMap(runtimeBlock) && runtime !== runtimeClass) {
    const split = splitBlock(runtimeBlock, own.options, registry);
    flat = lay(flat, split.fields as Written);
    options = split.options as Written;
  }
  return { flat: Object.keys(extra).length > 0 ? { ...flat, container: extra } : flat, options };
}

function lay(flat: Written, fields: Written): Written {
  const replaced = alternatives.flatMap((group) => (group.some((key) => key in fields) ? group.filter((key) => !(key in fields)) : []));
  return overlay(Object.fromEntries(Object.entries(flat).filter(([key]) => !replaced.includes(key))), fields) as Written;
}

const containerKeys = new Set(['name', 'platform', 'pid', 'ipc', 'userns', 'seccomp', 'apparmor', 'selinux', 'logDriver']);
function containerPart(block: Written): { readonly fields: Written; readonly rest: Written } {
  const entries = Object.entries(block);
  return {
    fields: Object.fromEntries(entries.filter(([key]) => !containerKeys.has(key))),
    rest: Object.fromEntries(entries.filter(([key]) => containerKeys.has(key))),
  };
}

/** Blocks of runtimes that this host does not have. */
const foreign = new Set(['native', 'docker', 'podman', 'metal', 'swarm', 'kubernetes']);
export const isForeignBlock = (key: string): boolean => foreign.has(key);
