import { Document, isMap, isScalar, isSeq, type Node, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml';
import { Text } from './file/text.ts';
import { isOutList, isOutMap, type Out, type OutMap } from './out.ts';

const width = 120;

/** The host file as YAML, with `comment` at its top: small lists and maps on one line, an empty line between the parts. */
export function renderHostFile(hostFile: OutMap, comment: readonly string[]): string {
  const document = new Document();
  const root = nodeOf(hostFile) as YAMLMap;
  document.contents = root as never;
  for (const pair of root.items as Pair<Scalar, Node>[]) {
    const isBlock = !isScalar(pair.value);
    const { value } = pair;
    // The first ones are a line each.
    if (isBlock || pair.key.value === 'workers') pair.key.spaceBefore = true;
    if (isMap(value) && ['workers', 'volumes', 'networks', 'vars', 'defaults'].includes(String(pair.key.value))) value.flow = false;
    if (pair.key.value !== 'workers' || !isMap(value)) continue;
    for (const [index, worker] of (value.items as Pair<Scalar, Node>[]).entries()) {
      if (index > 0) worker.key.spaceBefore = true;
      if (!isMap(worker.value)) continue;
      worker.value.flow = false;
      for (const field of worker.value.items as Pair<Scalar, Node>[])
        if ((field.key.value === 'env' || field.key.value === 'labels') && isMap(field.value) && field.value.items.length > 0) field.value.flow = false;
    }
  }
  const text = document.toString({ lineWidth: 0, flowCollectionPadding: true, minContentWidth: 0 });
  return `${comment.map((line) => (line === '' ? '#' : `# ${line}`)).join('\n')}\n${text}`;
}

function nodeOf(out: Out): Node {
  if (out instanceof Text) return textNode(out.kept);
  if (typeof out === 'string') return textNode(out.replaceAll('$', '$$$$'));
  if (isOutList(out)) {
    const list = new YAMLSeq();
    list.items = out.map(nodeOf);
    list.flow = isSmall(list);
    return list;
  }
  if (!isOutMap(out)) return new Scalar(out);
  const map = new YAMLMap();
  map.items = [...out].map(([key, value]) => new Pair(textNode(key), nodeOf(value)));
  map.flow = isSmall(map);
  return map;
}

/** What a variable makes of it is not known yet: in quotes it stays a text. */
function textNode(text: string): Scalar {
  const node = new Scalar(text);
  if (text.includes('\n')) node.type = /[^\P{Cc}\n\t]|^\s/u.test(text) ? Scalar.QUOTE_DOUBLE : Scalar.BLOCK_LITERAL;
  else if (text.includes('"') && !/['\\\p{Cc}]/u.test(text)) node.type = Scalar.QUOTE_SINGLE;
  else if (/[$*&!|>%@`"'#,[\]{}]|: |^[?:-]|\d:\d|^\s|\s$|\\|^(y|n|yes|no|on|off)$/i.test(text) || text === '') node.type = Scalar.QUOTE_DOUBLE;
  return node;
}

/** Fits on a line, and holds no long texts. */
function isSmall(node: YAMLMap | YAMLSeq): boolean {
  return lengthOf(node) <= width - 20;
}

function lengthOf(node: unknown): number {
  if (isScalar(node)) return node.type === Scalar.BLOCK_LITERAL ? 10_000 : String(node.value).length + 4;
  if (isSeq(node)) return 4 + node.items.reduce((sum: number, item) => sum + lengthOf(item), 0);
  if (isMap(node)) return 4 + (node.items as Pair[]).reduce((sum, pair) => sum + lengthOf(pair.key) + lengthOf(pair.value), 0);
  return 4;
}
