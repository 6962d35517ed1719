import { stat } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { problem } from '../base/problem.ts';
import { Budget } from './bounds.ts';
import { type Entry, list, map, type Node, scalar } from './node.ts';
import { startOf } from './read.ts';

/** How long a code config may take to give its value. */
const deadlineMs = 10_000;

/**
 * A host file written as code: its default export (or what a function exported as default returns) as plain data. Code has no places, so
 * every value stands at 1:1. A changed file is read anew, its own imports are not.
 */
export async function loadCode(file: string): Promise<Node | null> {
  const at = startOf(file);
  const url = pathToFileURL(file);
  url.searchParams.set('changed', String((await stat(file)).mtimeMs));
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(
          problem({
            code: 'host-file-invalid',
            message: `${file} gave no value within ${deadlineMs / 1000} s`,
            place: at,
            hint: 'A code config must not wait.',
          }),
        ),
      deadlineMs,
    );
  });
  try {
    const value = await Promise.race([evaluate(url.href), late]);
    return value === undefined || value === null ? null : toNode(value, file);
  } catch (error) {
    if ((error as { code?: string }).code?.startsWith('host-file')) throw error;
    throw problem(
      {
        code: 'host-file-syntax',
        message: `${file} does not run: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`,
        place: stackPlace(error, file),
      },
      error,
    );
  } finally {
    clearTimeout(timer);
  }
}

async function evaluate(url: string): Promise<unknown> {
  const loaded: { default?: unknown } = await import(url);
  // CommonJS compiled from a default export wraps it once more
  const inner = loaded.default as { default?: unknown } | undefined;
  const value = typeof inner === 'object' && inner !== null && '__esModule' in inner ? inner.default : inner;
  return typeof value === 'function' ? await value() : await value;
}

function stackPlace(error: unknown, file: string) {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const index = stack.indexOf(file);
  const found = index < 0 ? null : /^[^:\s)]*:(\d+)(?::(\d+))?/.exec(stack.slice(index + file.length).replace(/^\?changed=[\d.]+/, ''));
  return found ? { file, line: Number(found[1]), column: Number(found[2] ?? 1) } : startOf(file);
}

function toNode(value: unknown, file: string): Node {
  const at = startOf(file);
  const budget = new Budget();
  const open = new Set<unknown>();
  const bad = (path: string, what: string) =>
    problem({ code: 'host-file-invalid', message: `${path || 'the default export'} is ${what}; expected plain data`, place: at });
  const walk = (part: unknown, path: string, depth: number): Node => {
    budget.node(at, depth);
    if (part === null || typeof part === 'string' || typeof part === 'boolean') return scalar(part, at);
    if (typeof part === 'number') {
      if (!Number.isFinite(part)) throw bad(path, String(part));
      return scalar(part, at);
    }
    if (typeof part !== 'object') throw bad(path, `a ${typeof part}`);
    if (open.has(part)) throw bad(path, 'a value that contains itself');
    open.add(part);
    try {
      if (Array.isArray(part))
        return list(
          Array.from(part, (item, index) => walk(item, `${path}[${index}]`, depth + 1)),
          at,
        );
      const prototype = Object.getPrototypeOf(part);
      if (prototype !== null && Object.getPrototypeOf(prototype) !== null) throw bad(path, `a ${prototype.constructor?.name ?? 'class'} object`);
      const entries = new Map<string, Entry>();
      for (const [key, item] of Object.entries(part)) {
        if (item === undefined) continue;
        budget.key(key, at);
        entries.set(key, { at, value: walk(item, path ? `${path}.${key}` : key, depth + 1) });
      }
      return map(entries, at);
    } finally {
      open.delete(part);
    }
  };
  return walk(value, '', 0);
}
