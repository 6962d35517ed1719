import { parseEnv } from 'node:util';
import type { Place } from '@ostler/core';
import { BadTemplate, type Part, parseTemplate } from './template.ts';

/** One line of an env file. */
export interface EnvLine {
  readonly at: Place;
  /** Parts with variables; null = only the name stands there, and the value comes from the environment. */
  readonly parts: readonly Part[] | null;
}
export interface EnvFile {
  readonly path: string;
  readonly lines: ReadonlyMap<string, EnvLine>;
  /** What ostler reads the same file as: it fills nothing in. null = it would refuse the file, for a name in it. */
  readonly plain: ReadonlyMap<string, string> | null;
}

/** An env file as Compose reads it. `isRaw`: quotes and variables are taken as they stand. Returns a sentence and a place for what it cannot be. */
export function parseEnvFile(text: string, path: string, isRaw = false): EnvFile | { readonly message: string; readonly at: Place } {
  const lines = new Map<string, EnvLine>();
  let rest = text.replaceAll('\r\n', '\n').replace(/^\uFEFF/, '');
  const all = rest;
  const here = (): Place => ({ file: path, line: all.slice(0, all.length - rest.length).split('\n').length, column: 1 });
  while (true) {
    rest = rest.replace(/^(?:\s+|#[^\n]*)+/, '');
    if (rest === '') break;
    const at = here();
    const key = /^(?:export[ \t]+)?([A-Za-z0-9_.[\]-]+)[ \t]*(?:([=:])[ \t]*|(?=\n|$))/.exec(rest);
    // What stands there may be a piece of a secret.
    if (!key) return { message: 'expected NAME=value', at };
    rest = rest.slice(key[0].length);
    if (key[2] === undefined) {
      lines.set(key[1]!, { at, parts: null });
      continue;
    }
    const value = isRaw ? rawValue(rest) : readValue(rest);
    if (value === null) return { message: `the quote of ${key[1]} is not closed`, at };
    rest = rest.slice(value.length);
    lines.set(key[1]!, { at, parts: value.isFilled ? partsOf(value.text) : value.text === '' ? [] : [value.text] });
  }
  return { path, lines, plain: plainOf(text) };
}

interface Value {
  readonly text: string;
  /** How much of the file it takes. */
  readonly length: number;
  readonly isFilled: boolean;
}

function rawValue(rest: string): Value {
  const line = rest.split('\n')[0]!;
  return { text: line, length: line.length, isFilled: false };
}

function readValue(rest: string): Value | null {
  const quote = rest[0];
  if (quote !== '"' && quote !== "'") {
    const line = rest.split('\n')[0]!;
    const text = /^#/.test(line) ? '' : line.replace(/\s#.*$/, '');
    return { text: text.trimEnd(), length: line.length, isFilled: true };
  }
  for (let index = 1; index < rest.length; index += 1) {
    if (rest[index] === '\\') index += 1;
    else if (rest[index] === quote) {
      const inside = rest.slice(1, index);
      // What stands after the quote is a comment, or nothing.
      const tail = /^[^\n]*/.exec(rest.slice(index + 1))![0];
      const text = quote === "'" ? inside.replaceAll("\\'", "'") : inside.replaceAll(/\\([nrt"\\$])/g, (_, one: string) => escapes[one] ?? one);
      return { text, length: index + 1 + tail.length, isFilled: quote === '"' };
    }
  }
  return null;
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', $: '$$' };

/** What is no variable stands for itself. */
function partsOf(text: string): readonly Part[] {
  try {
    return parseTemplate(text);
  } catch (error) {
    if (error instanceof BadTemplate) return [text];
    throw error;
  }
}

const name = /^[A-Za-z_][A-Za-z0-9_]*$/;

function plainOf(text: string): ReadonlyMap<string, string> | null {
  const values = new Map<string, string>();
  for (const [key, value] of Object.entries(parseEnv(text.startsWith('\uFEFF') ? text.slice(1) : text))) {
    if (!name.test(key)) return null;
    values.set(key, value ?? '');
  }
  return values;
}
