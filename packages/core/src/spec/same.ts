import type { Json } from '@ostler/sdk';
import { type Normal, type Reading, readWorker } from './normalise.ts';
import { isMap, layBlocks, type Written } from './overlay.ts';

/** A field that differs, as `plan` shows it: `limits.memory: 2GiB -> 4GiB`. Values that look secret are masked. null = not set. */
export interface Change {
  readonly field: string;
  readonly before: string | null;
  readonly after: string | null;
}

export interface Side extends Reading {
  readonly written: Json;
}

/**
 * What differs between two versions of a worker. Both are read by today's schema, so a new default is no difference, nor is another way to
 * write the same (`1m` and `60s`). If either no longer fits the schema, what was written is compared instead. Empty = the same.
 */
export function sameWorker(before: Side, after: Side): readonly Change[] {
  if (before.runtime === after.runtime && before.baseDir === after.baseDir && deepEqual(before.written, after.written)) return [];
  const [old, now] = [readWorker(before.written, before), readWorker(after.written, after)];
  const [oldText, nowText] = [laid(before), laid(after)];
  const changes: Change[] = [];
  if (before.runtime !== after.runtime) changes.push({ field: 'runtime', before: before.runtime, after: after.runtime });
  if (old.ok && now.ok) {
    if (old.normal.spec.kind !== now.normal.spec.kind) changes.push({ field: 'kind', before: old.normal.spec.kind, after: now.normal.spec.kind });
    const parts = (read: typeof old.normal): Json => ({ ...(essence(read.flat) as Written), [blockKey]: plain(read.spec.options) });
    for (const path of differing(parts(old.normal), parts(now.normal), [])) {
      // the block of a runtime is shown under the runtime's name
      const shown = path[0] === blockKey ? [after.runtime, ...path.slice(1)] : path;
      changes.push(change(shown, at(oldText, shown) ?? at(parts(old.normal), path), at(nowText, shown) ?? at(parts(now.normal), path)));
    }
    if (changes.length === 0 && !deepEqual(resolved(old.normal), resolved(now.normal)))
      changes.push({ field: 'baseDir', before: before.baseDir, after: after.baseDir });
    return changes;
  }
  for (const path of differing(oldText, nowText, [])) changes.push(change(path, at(oldText, path), at(nowText, path)));
  return changes;
}

const blockKey = ' options';

/** Fields that say nothing about what runs. */
const silent = new Set(['description', 'enabled', 'profiles', 'runtime', 'kind']);
const essence = (flat: object): Json => plain(Object.fromEntries(Object.entries(flat).filter(([key]) => !silent.has(key))));

/** JSON without undefined. */
function plain(value: unknown): Json {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, part]) => part !== undefined)
        .map(([key, part]) => [key, plain(part)]),
    );
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  return String(value);
}

/** The written fields with the blocks laid over, the runtime's options under its name. */
function laid(side: Side): Json {
  if (!isMap(side.written)) return side.written;
  const { flat, options } = layBlocks(side.written, side.runtime, side.registry.runtimes.get(side.runtime)?.class ?? 'process', side.registry);
  return {
    ...Object.fromEntries(Object.entries(flat).filter(([key]) => !silent.has(key))),
    ...(Object.keys(options).length > 0 ? { [side.runtime]: options } : {}),
  };
}

/** What depends on the folder of the host file. */
const resolved = ({ spec, rules }: Normal): Json =>
  plain({ mounts: spec.mounts, workingDir: spec.workingDir, images: spec.images, files: rules.health.probes.filter(({ kind }) => kind === 'file') });

export function deepEqual(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, index) => deepEqual(item, b[index]));
  if (isMap(a) && isMap(b)) {
    const keys = Object.keys(a);
    return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && deepEqual(a[key], b[key]));
  }
  return false;
}

/** Paths of the smallest maps' entries that differ; lists count as one value. */
function differing(a: Json | undefined, b: Json | undefined, path: readonly string[]): readonly (readonly string[])[] {
  if (deepEqual(a, b)) return [];
  if (!isMap(a) || !isMap(b)) {
    const only = isMap(a) && b === undefined ? a : isMap(b) && a === undefined ? b : null;
    if (only && Object.keys(only).length > 0 && path.length > 0) return Object.keys(only).flatMap((key) => [[...path, key]]);
    return [path];
  }
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((key) => differing(a[key], b[key], [...path, key]));
}

function at(value: Json | undefined, path: readonly string[]): Json | undefined {
  let here = value;
  for (const key of path) here = isMap(here) && Object.hasOwn(here, key) ? here[key] : undefined;
  return here;
}

const looksSecret =
  /pass(word|wd|phrase)?$|passw|secret|token|credential|private|api_?key|access_?key|(^|_)key$|(^|_)pwd?$|auth|cookie|session|dsn|(database|redis|mongo|amqp).*ur[il]/i;

/** By the names on the way to it; the first is a field of a worker, which is none. What `secrets` has are references. */
const isSecret = (path: readonly string[]): boolean => path[0] !== 'secrets' && path.slice(1).some((key) => looksSecret.test(key));

/** With all that looks secret below it hidden, also where it stands as `NAME=value` in a list. */
function masked(value: Json, path: readonly string[]): Json {
  if (isSecret(path)) return '***';
  if (Array.isArray(value)) return value.map((item) => (typeof item === 'string' ? maskedPair(item) : masked(item, path)));
  if (isMap(value)) return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, masked(part, [...path, key])]));
  return value;
}

function maskedPair(text: string): string {
  const name = /^[^\s=]+(?==)/.exec(text)?.[0];
  return name !== undefined && looksSecret.test(name) ? `${name}=***` : text;
}

function change(path: readonly string[], before: Json | undefined, after: Json | undefined): Change {
  // The chain is how core writes down what an `image` of `images:` stands on.
  const field = (path[0] === 'imageChain' ? ['images', ...path.slice(1)] : path).join('.');
  const show = (value: Json | undefined): string | null => {
    if (value === undefined) return null;
    const hidden = masked(value, path);
    const text = typeof hidden === 'string' ? hidden : JSON.stringify(hidden);
    // user:password@ in an address
    const safe = text.replaceAll(/([a-z][a-z0-9+.-]*:\/\/[^\s:/@"]*:)[^\s@"]+@/gi, '$1***@');
    return safe.length > 200 ? `${safe.slice(0, 199)}…` : safe;
  };
  return { field, before: show(before), after: show(after) };
}
