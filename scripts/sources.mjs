// The sources of a tree as the checks see them: which files there are, what each imports, which globals it uses.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { parseSync, visitorKeys } from 'oxc-parser';

/**
 * @typedef {{ target: string, path: string | null, type: boolean, lazy: boolean }} Import `path`: where a relative one leads; `type`: gone at run time; `lazy`: `import('…')`
 * @typedef {{ path: string, here: string, package: string, file: string, lines: number, imports: Import[], uses: string[] }} Source
 *   `here` from the root, `file` from the package's src, `uses` what {@link globalsOf} found
 */

/** Every file below a folder, built and fetched ones left out. @param {string} dir @returns {Generator<string>} */
export function* filesBelow(dir) {
  if (!existsSync(dir)) return;
  for (const name of readdirSync(dir).sort()) {
    const path = join(dir, name);
    if (['node_modules', 'dist', 'fixtures', '.turbo', '.ostler', '.peers'].includes(name)) continue;
    if (statSync(path).isDirectory()) yield* filesBelow(path);
    else yield path;
  }
}

/** The sources of every package below `root`, tests left out. @param {string} root @returns {Source[]} */
export function packageSources(root) {
  const packages = join(root, 'packages');
  if (!existsSync(packages)) return [];
  return readdirSync(packages)
    .sort()
    .flatMap((name) => {
      const src = join(packages, name, 'src');
      return [...filesBelow(src)].filter((path) => /\.ts$/.test(path) && !/\.(test|d)\.ts$/.test(path)).map((path) => readSource(root, name, src, path));
    });
}

function readSource(root, name, src, path) {
  const text = readFileSync(path, 'utf8');
  const { program, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${relative(root, path)}: ${errors[0].message}`);
  const nodes = [...walk(program)];
  const imports = nodes
    .flatMap((node) => importOf(node) ?? [])
    .map((i) => ({ ...i, path: i.target.startsWith('.') ? resolve(dirname(path), i.target) : null }));
  return {
    path,
    here: relative(root, path),
    package: name,
    file: relative(src, path),
    lines: text.split('\n').length - (text.endsWith('\n') ? 1 : 0),
    imports,
    uses: globalsOf(nodes),
  };
}

function* walk(node, parent = null, role = '') {
  yield Object.assign(node, { parent, role });
  for (const childKey of visitorKeys[node.type] ?? [])
    for (const child of [node[childKey]].flat()) if (child && typeof child.type === 'string') yield* walk(child, node, childKey);
}

function importOf(node) {
  switch (node.type) {
    case 'ImportDeclaration':
      return { target: node.source.value, type: node.importKind === 'type', lazy: false };
    case 'ExportAllDeclaration':
    case 'ExportNamedDeclaration':
      return node.source ? { target: node.source.value, type: node.exportKind === 'type', lazy: false } : null;
    case 'ImportExpression':
      return { target: node.source.type === 'Literal' ? String(node.source.value) : '(computed)', type: false, lazy: true };
    case 'TSImportType':
      return { target: node.source.value, type: true, lazy: false };
    default:
      return null;
  }
}

const watched = ['process', 'performance', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'crypto', 'fetch', 'globalThis', 'console'];

/** What reads the clock, chance or the outside, as it stands in the source. A name that the file binds itself is not the global. */
function globalsOf(nodes) {
  const bound = new Set(nodes.filter(isBinding).map((node) => node.name));
  return nodes.flatMap((node) => {
    if (node.type === 'NewExpression' && isName(node.callee, 'Date') && node.arguments.length === 0) return ['new Date()'];
    if (node.type === 'CallExpression' && isName(node.callee, 'Date')) return ['Date()'];
    if (node.type === 'MemberExpression' && isName(node.object, 'Date') && node.property.name === 'now') return ['Date.now'];
    if (node.type === 'MemberExpression' && isName(node.object, 'Math') && node.property.name === 'random') return ['Math.random'];
    return node.type === 'Identifier' && watched.includes(node.name) && !bound.has(node.name) && isRead(node) ? [node.name] : [];
  });
}

const isName = (node, name) => node.type === 'Identifier' && node.name === name;

function isRead({ parent, role }) {
  if (role === 'property' && parent.type === 'MemberExpression') return parent.computed;
  if (role === 'key') return parent.computed || parent.shorthand === true;
  return !parent.type.startsWith('TS') || role === 'expression';
}

/** A name that a declaration, a parameter, a pattern or an import of this file introduces. */
function isBinding({ type, parent, role }) {
  if (type !== 'Identifier') return false;
  if (['VariableDeclarator', 'FunctionDeclaration', 'FunctionExpression'].includes(parent.type) && role === 'id') return true;
  if (role === 'params' || role === 'local' || role === 'param') return true;
  if (parent.type === 'ArrayPattern' || parent.type === 'RestElement' || (parent.type === 'AssignmentPattern' && role === 'left')) return true;
  return parent.type === 'Property' && role === 'value' && parent.parent.type === 'ObjectPattern';
}
