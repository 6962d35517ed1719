import { parseSync, visitorKeys } from 'oxc-parser';

/** One small change of one source file: what stands from `start` to `end` (UTF-16 units) becomes `text`. */
export interface Mutation {
  readonly file: string;
  readonly line: number;
  readonly operator: string;
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** What stood there, in one line. */
  readonly was: string;
  /** From 1: of those in this file by this operator of what reads the same. */
  readonly nth: number;
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

/** Parts of a life and of its records that decide something; left out, the old value stays. */
const decisive = new Set(
  'want heldBy phase generation instance instanceGeneration failures epoch blind unresolved mayCome onward stopCause startCause isQueued startedMs lastDueAt workers instances generations journal forgetWorkers forgetInstances state engine handle'.split(
    ' ',
  ),
);

/** A statement that keeps something, for good or for the agent's life. */
const writes = /(?:\.|#)(?:record|commit|save|keep|keepFound|learn|drop|set|delete|add|push|run|put|upsert)\w*\(/;
/** A statement that has somebody look, or go on. */
const hints =
  /(?:\.|#)(?:look|lookIn|lookIfOwed|suspect|update|send|post|askGate|told|align|followDependencies|compare|changed|retire|quietly|begin|resolve)\(/;

/** Every mutation of a file, in order. */
export function mutationsOf(file: string, source: string): readonly Mutation[] {
  const found: Mutation[] = [];
  const add = (operator: string, { start, end }: { readonly start: number; readonly end: number }, text: string): void => {
    const line = source.slice(0, start).split('\n').length;
    const was = source.slice(start, end).replaceAll(/\s+/g, ' ').slice(0, 120);
    const nth = 1 + found.filter((one) => one.operator === operator && one.was === was).length;
    found.push({ file, line, operator, start, end, text, was, nth });
  };
  const text = ({ start, end }: Node): string => source.slice(start, end);
  const visit = (node: Node, parent: Node | null): void => {
    mutate(node, parent, add, text);
    for (const key of visitorKeys[node.type] ?? []) {
      const child = node[key] as Node | readonly (Node | null)[] | null | undefined;
      for (const one of Array.isArray(child) ? (child as readonly (Node | null)[]) : [child as Node | null | undefined]) if (one) visit(one, node);
    }
  };
  visit(parseSync(file, source).program as unknown as Node, null);
  return found;
}

function mutate(
  node: Node,
  parent: Node | null,
  add: (operator: string, at: { readonly start: number; readonly end: number }, text: string) => void,
  text: (node: Node) => string,
): void {
  switch (node.type) {
    case 'ExpressionStatement': {
      const said = text(node['expression'] as Node);
      if (writes.test(said)) add('drop write', node, ';');
      else if (hints.test(said)) add('lose hint', node, ';');
      break;
    }
    case 'IfStatement':
      add('negate guard', node['test'] as Node, `!(${text(node['test'] as Node)})`);
      break;
    case 'ConditionalExpression':
      // What people read decides nothing.
      if (!['consequent', 'alternate'].some((branch) => isSentence(node[branch] as Node, text)))
        add('negate choice', node['test'] as Node, `!(${text(node['test'] as Node)})`);
      break;
    case 'AwaitExpression': {
      const awaited = node['argument'] as Node;
      // What follows a write comes before it then.
      if (/\b(?:save|saved|saving|settled|record)$/.test(text(awaited).split('(')[0] ?? '')) add('swap write', node, text(awaited));
      break;
    }
    case 'BinaryExpression':
      if (/epoch/i.test(text(node))) add('drop epoch check', node, node['operator'] === '!==' ? 'false' : 'true');
      break;
    case 'Property':
      if (parent?.type === 'ObjectExpression' && (parent['properties'] as readonly Node[]).some(({ type }) => type === 'SpreadElement')) {
        const { name } = node['key'] as Node & { readonly name?: string };
        if (name !== undefined && decisive.has(name)) add('keep the old', node, '...{}');
      }
      if (parent?.type === 'ObjectExpression' && decisive.has(String((node['key'] as Node)['name'])) && /record\(|#batch/.test(text(parent)))
        add('drop write', node, '...{}');
      break;
    case 'ObjectExpression':
      if (parent?.type === 'ArrayExpression' && hasKey(node, 'do')) {
        add('drop effect', node, '...[]');
        add('repeat effect', node, `${text(node)}, ${text(node)}`);
      }
      break;
  }
}

/** Words, not a name or a number. */
const isSentence = (node: Node, text: (node: Node) => string): boolean =>
  node.type === 'TemplateLiteral' || (node.type === 'Literal' && /^'[^']* [^']*'$/.test(text(node)));

const hasKey = (node: Node, name: string): boolean =>
  (node['properties'] as readonly Node[]).some((one) => (one['key'] as Node | undefined)?.['name'] === name);
