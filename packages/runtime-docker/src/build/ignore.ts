import { posix } from 'node:path';
import { refusal } from '../errors.ts';

interface Pattern {
  readonly isException: boolean;
  readonly matches: RegExp;
}

/** What a `.dockerignore` leaves out. Paths are relative to the context, with `/`, without `./`. */
export class IgnoreRules {
  readonly #patterns: readonly Pattern[];

  constructor(patterns: readonly Pattern[]) {
    this.#patterns = patterns;
  }

  /** With exceptions (`!`), something below a folder that is left out may be taken all the same. */
  get hasExceptions(): boolean {
    return this.#patterns.some(({ isException }) => isException);
  }

  /** The last pattern that matches the path or a folder above it decides. */
  leavesOut(path: string): boolean {
    const steps = path.split('/');
    const paths = steps.map((_, index) => steps.slice(0, index + 1).join('/'));
    let isOut = false;
    for (const { isException, matches } of this.#patterns) if (isException === isOut && paths.some((one) => matches.test(one))) isOut = !isException;
    return isOut;
  }
}

/**
 * Reads a `.dockerignore` as Docker does (moby/patternmatcher): a line a pattern, `#` first is a comment, `!` an exception, `*` and `?` stay within a
 * name, `**` crosses folders; a leading `/` says nothing. Throws `invalid` for what is no pattern. `file` is named in errors.
 */
export function parseIgnore(text: string, file: string): IgnoreRules {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  return new IgnoreRules(lines.flatMap((line, index) => patternOf(line, `${file}:${String(index + 1)}`) ?? []));
}

function patternOf(line: string, where: string): Pattern | null {
  if (line.startsWith('#')) return null;
  const text = line.trim();
  const isException = text.startsWith('!');
  const glob = isException ? text.slice(1).trim() : text;
  if (text === '') return null;
  if (glob === '') throw refusal('invalid', `${where}: "!" alone is no pattern: after it stands what is taken all the same`);
  const normal = posix.normalize(glob);
  const clean = normal.length > 1 ? normal.replace(/\/$/, '').replace(/^\//, '') : normal;
  try {
    return { isException, matches: new RegExp(`^${expressionOf(clean)}$`, 's') };
  } catch {
    throw refusal('invalid', `${where}: "${glob}" is no pattern: a "[" needs its "]"`);
  }
}

function expressionOf(glob: string): string {
  let expression = '';
  for (let at = 0; at < glob.length; at += 1) {
    const letter = glob.charAt(at);
    if (letter === '*' && glob.charAt(at + 1) === '*') {
      at += glob.charAt(at + 2) === '/' ? 2 : 1;
      expression += at + 1 >= glob.length ? '.*' : '(?:.*/)?';
    } else if (letter === '*') expression += '[^/]*';
    else if (letter === '?') expression += '[^/]';
    else if (letter === '[' || letter === ']') expression += letter;
    else if (letter === '\\' && at + 1 < glob.length) {
      at += 1;
      expression += literal(glob.charAt(at));
    } else expression += literal(letter);
  }
  return expression;
}

/** `^` and `-` have their meaning within brackets. */
const literal = (letter: string): string => (/[.*+?(){}|$\\]/.test(letter) ? `\\${letter}` : letter);
