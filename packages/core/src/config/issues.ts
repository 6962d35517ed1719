import type { z } from 'zod';
import { type Place, type Problem, problem } from '../base/problem.ts';
import { nearest } from '../spec/index.ts';
import { type Node, nodeAt, type Path, placeAt } from './node.ts';

type Issue = z.core.$ZodIssue;

/** Gathers what is wrong in one file, to be told in one go. */
export class Faults {
  readonly #found: Problem[] = [];

  add(fault: Problem): void {
    const isKnown = this.#found.some((old) => old.message === fault.message && samePlace(old.place, fault.place));
    if (!isKnown) this.#found.push(fault);
  }

  invalid(message: string, place: Place | undefined, hint?: string): void {
    this.add({ code: 'host-file-invalid', message, place, ...(hint === undefined ? {} : { hint }) });
  }

  /** Runs a step that may throw a problem, which is kept instead. */
  async collect<T>(step: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await step();
    } catch (error) {
      if (typeof (error as Problem).code !== 'string' || !(error as Problem).code.startsWith('host-file')) throw error;
      const { code, message, place, hint } = error as Problem;
      this.add({ code, message, place, hint });
      return undefined;
    }
  }

  get count(): number {
    return this.#found.length;
  }

  get isEmpty(): boolean {
    return this.#found.length === 0;
  }

  /** Throws the first in the order of the file, the rest as `others`; at most 50 are named. */
  throwIfAny(): void {
    if (this.isEmpty) return;
    const [first, ...others] = this.#found.toSorted(
      (a, b) =>
        (a.place?.file ?? '').localeCompare(b.place?.file ?? '') ||
        (a.place?.line ?? 0) - (b.place?.line ?? 0) ||
        (a.place?.column ?? 0) - (b.place?.column ?? 0),
    );
    const shown = others.slice(0, 49);
    if (others.length > shown.length) shown.push({ code: 'host-file-invalid', message: `and ${others.length - shown.length} more` });
    if (first) throw problem({ ...first, ...(shown.length > 0 ? { others: shown } : {}) });
  }
}

const samePlace = (a: Place | undefined, b: Place | undefined): boolean => a?.file === b?.file && a?.line === b?.line && a?.column === b?.column;

export interface Context {
  /** What the paths of the issues start from. */
  readonly node: Node;
  /** Shown before the path: `workers.web`. */
  readonly prefix: string;
  /** Names that would be right at a path, for "did you mean". */
  readonly known: (path: Path) => readonly string[];
  /** Added to an unknown field's message. */
  readonly why?: ((key: string) => string | null) | undefined;
}

/** zod's issues as problems with a place, one for each thing that a person has to change. */
export function addIssues(faults: Faults, issues: readonly Issue[], context: Context): void {
  for (const issue of issues.flatMap(unfold)) {
    const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) unknownField(faults, [...path, key], context);
      continue;
    }
    if (issue.code === 'invalid_key') {
      const inner = issue.issues[0]?.message ?? 'not a name that is possible here';
      faults.invalid(
        `${shown(context.prefix, path.slice(0, -1))}: \`${String(path.at(-1))}\` is not possible as a name: ${inner}`,
        placeAt(context.node, path, 'key'),
      );
      continue;
    }
    const node = nodeAt(context.node, path);
    const text = sentence(issue);
    if (node === undefined && issue.code === 'invalid_type') faults.invalid(`${shown(context.prefix, path)} is missing: ${text}`, placeAt(context.node, path));
    else faults.invalid(`${shown(context.prefix, path)}: ${text}${found(node, path, text)}`, placeAt(context.node, path));
  }
}

export function unknownField(faults: Faults, path: Path, context: Context): void {
  const key = String(path.at(-1));
  const known = context.known(path.slice(0, -1));
  const near = nearest(key, known);
  const where = shown(context.prefix, path.slice(0, -1));
  const why = context.why?.(key);
  const all = known.length > 0 && known.length <= 15 ? `Known here: ${known.join(', ')}.` : undefined;
  faults.invalid(
    `unknown field \`${key}\`${where ? ` in ${where}` : ''}${why ? `: ${why}` : ''}`,
    placeAt(context.node, path, 'key'),
    near ? `Did you mean \`${near}\`?` : all,
  );
}

/** A union's issues become those of the one alternative that was meant, if that can be told. */
function unfold(issue: Issue): readonly Issue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const isOther = (part: Issue) => part.path.length === 0 && (part.code === 'invalid_type' || part.code === 'invalid_value' || part.code === 'invalid_union');
  const meant = issue.errors.filter((branch) => !branch.some(isOther));
  const only = meant.length === 1 ? meant[0] : meant.find((branch) => branch.every((part) => part.code === 'unrecognized_keys'));
  if (!only) return [issue];
  return only.map((part) => ({ ...part, path: [...issue.path, ...part.path] })).flatMap(unfold);
}

function sentence(issue: Issue): string {
  const text = issue.message.replace(/^Invalid (input|option): /, '').replace(/, received .*$/, '');
  const named: Readonly<Record<string, string>> = {
    'expected string': 'expected a text',
    'expected object': 'expected a map',
    'expected record': 'expected a map',
    'expected array': 'expected a list',
    'expected number': 'expected a number',
    'expected int': 'expected a whole number',
    'expected boolean': 'expected true or false',
  };
  return named[text] ?? (text === 'Invalid input' ? 'not a value that is possible here' : text.charAt(0).toLowerCase() + text.slice(1));
}

/** The value itself, unless it may be a secret or says nothing. */
function found(node: Node | undefined, path: Path, text: string): string {
  if (!node || !text.startsWith('expected')) return '';
  if (node.is !== 'scalar') return `; found a ${node.is}`;
  if (node.value === null) return '; found nothing';
  const mayBeSecret = node.fromEnv.length > 0 || path.some((step) => /^(env|secrets|args|headers|config)$|pass|token|secret|key/i.test(String(step)));
  if (mayBeSecret) return `; found a ${typeof node.value === 'string' ? 'text' : typeof node.value}`;
  const value = node.lossyText ?? String(node.value);
  return `; found \`${value.length > 60 ? `${value.slice(0, 60)}…` : value.replaceAll('\n', '\\n')}\``;
}

export function shown(prefix: string, path: Path): string {
  let text = prefix;
  for (const step of path) text += typeof step === 'number' ? `[${step}]` : text === '' ? step : `.${step}`;
  return text;
}
