/** A text of a Compose file taken apart: `${NAME:-default}`. */
export type Part = string | Variable;
export interface Variable {
  readonly name: string;
  readonly operator: ':-' | '-' | ':?' | '?' | ':+' | '+' | null;
  /** What follows the operator. */
  readonly rest: readonly Part[];
}

/** Thrown by {@link parseTemplate}: what is wrong, as a sentence. */
export class BadTemplate extends Error {}

/** As Compose reads it: `$NAME`, `${NAME}` with its operators, `$$` for a dollar sign; a text after an operator may hold variables again. */
export function parseTemplate(text: string, depth = 0): readonly Part[] {
  if (depth > 10) throw new BadTemplate('variables nested more than 10 deep');
  const parts: Part[] = [];
  let plain = '';
  let index = 0;
  const push = (part: Variable): void => {
    if (plain !== '') parts.push(plain);
    plain = '';
    parts.push(part);
  };
  while (index < text.length) {
    const char = text[index]!;
    const next = text[index + 1];
    if (char !== '$') {
      plain += char;
      index += 1;
    } else if (next === '$') {
      plain += '$';
      index += 2;
    } else if (next === '{') {
      const end = closing(text, index);
      if (end < 0) throw new BadTemplate(`\`${short(text.slice(index))}\` is not closed with \`}\``);
      push(variable(text.slice(index + 2, end), depth));
      index = end + 1;
    } else {
      const name = /^[A-Za-z_][A-Za-z0-9_]*/.exec(text.slice(index + 1))?.[0];
      if (name === undefined) throw new BadTemplate('a single `$` is no variable; write `$$` for a dollar sign');
      push({ name, operator: null, rest: [] });
      index += 1 + name.length;
    }
  }
  if (plain !== '') parts.push(plain);
  return parts;
}

function variable(inside: string, depth: number): Variable {
  const found = /^([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-?+])([\s\S]*))?$/.exec(inside);
  if (!found) throw new BadTemplate(`\`\${${short(inside)}}\` is no variable; write \`$\${${short(inside)}}\` for the text itself`);
  const [, name = '', operator, rest = ''] = found;
  return { name, operator: (operator ?? null) as Variable['operator'], rest: parseTemplate(rest, depth + 1) };
}

/** Of the brace that closes the variable which begins at `from`. Only `${` opens one. */
function closing(text: string, from: number): number {
  let open = 0;
  for (let index = from; index < text.length; index += 1) {
    if (text[index] === '}') {
      open -= 1;
      if (open === 0) return index;
    } else if (text.startsWith('${', index)) {
      open += 1;
      index += 1;
    }
  }
  return -1;
}

const short = (text: string): string => (text.length > 40 ? `${text.slice(0, 40)}…` : text);
