import { type Node as JsonNode, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { Budget, bounds, duplicateKey, syntaxProblem } from './bounds.ts';
import { type Entry, list, map, type Node, scalar } from './node.ts';
import { placeOf } from './read.ts';

const said: Readonly<Record<string, string>> = {
  InvalidSymbol: 'something stands here that is no JSON value',
  InvalidNumberFormat: 'this is no JSON number',
  PropertyNameExpected: 'a key in double quotes is expected here',
  ValueExpected: 'a value is expected here',
  ColonExpected: 'a colon is expected here',
  CommaExpected: 'a comma is expected here',
  CloseBraceExpected: 'a closing brace is expected here',
  CloseBracketExpected: 'a closing bracket is expected here',
  EndOfFileExpected: 'the file goes on after its end',
  InvalidCommentToken: 'comments are not allowed in JSON',
  UnexpectedEndOfComment: 'this comment does not end',
  UnexpectedEndOfString: 'this text does not end: a double quote is missing',
  UnexpectedEndOfNumber: 'this number does not end',
  InvalidUnicode: 'this \\u escape is not valid',
  InvalidEscapeCharacter: 'this escape is not valid',
  InvalidCharacter: 'a control character stands here',
};

/** Strict JSON: no comments, no trailing commas. */
export function parseJson(text: string, file: string): Node | null {
  if (text.trim() === '') return null;
  const placeAt = placeOf(text, file);
  let depth = 0;
  for (let offset = 0; offset < text.length; offset += 1) {
    const char = text[offset];
    if (char === '[' || char === '{') depth += 1;
    else if ((char === ']' || char === '}') && depth > 0) depth -= 1;
    // the parser is recursive; brackets inside of texts count too, which the factor allows for
    if (depth > bounds.depth * 4) throw syntaxProblem(`more than ${bounds.depth} brackets are open`, placeAt(offset));
  }
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { disallowComments: true, allowTrailingComma: false });
  const fault = errors[0];
  if (fault) throw syntaxProblem(`not valid JSON: ${said[printParseErrorCode(fault.error)] ?? 'the parser does not understand it'}`, placeAt(fault.offset));
  if (!tree) return null;
  const budget = new Budget();
  const walk = (node: JsonNode, level: number): Node => {
    const at = placeAt(node.offset);
    budget.node(at, level);
    if (node.type === 'array')
      return list(
        (node.children ?? []).map((child) => walk(child, level + 1)),
        at,
      );
    if (node.type !== 'object') {
      const source = text.slice(node.offset, node.offset + node.length);
      const isLossy = node.type === 'number' && String(node.value) !== source;
      return scalar(node.value as string | number | boolean | null, at, { lossyText: isLossy ? source : null });
    }
    const entries = new Map<string, Entry>();
    for (const property of node.children ?? []) {
      const [key, value] = property.children ?? [];
      if (!key || !value) continue;
      const keyAt = placeAt(key.offset);
      const name = String(key.value);
      const first = entries.get(name);
      if (first) throw duplicateKey(name, first.at, keyAt);
      budget.key(name, keyAt);
      entries.set(name, { at: keyAt, value: walk(value, level + 1) });
    }
    return map(entries, at);
  };
  return walk(tree, 0);
}
