import { extname } from 'node:path';
import { type Place, problem } from '../base/problem.ts';
import { loadCode } from './code.ts';
import type { MapNode, Node } from './node.ts';
import { readText, startOf } from './read.ts';

type Parse = (text: string, file: string) => Node | null;
const yaml = async (): Promise<Parse> => (await import('./yaml.ts')).parseYaml;
/** By ending; a host needs one of them, so each is loaded when it is. */
const data: Readonly<Record<string, () => Promise<Parse>>> = {
  '.yaml': yaml,
  '.yml': yaml,
  '.json': async () => (await import('./json.ts')).parseJson,
  '.toml': async () => (await import('./toml.ts')).parseToml,
};
const code: readonly string[] = ['.ts', '.mts', '.js', '.mjs', '.cjs'];

/** Every ending a host file may have. */
export const extensions: readonly string[] = [...Object.keys(data), ...code];

/** One file as a map with places. `referrer`: where the file was named, for the error that it is not there. */
export async function loadFile(file: string, referrer?: Place): Promise<MapNode> {
  const extension = extname(file).toLowerCase();
  const parser = data[extension];
  if (!parser && !code.includes(extension))
    throw problem({
      code: 'host-file-invalid',
      message: `${file} ends in ${extension === '' ? 'nothing' : `\`${extension}\``}; expected one of ${extensions.join(' ')}`,
      place: referrer,
    });
  const text = await readText(file, referrer, !parser);
  const parse = await parser?.();
  const node = parse ? parse(text.startsWith('\uFEFF') ? text.slice(1) : text, file) : await loadCode(file);
  if (node === null)
    throw problem({ code: 'host-file-empty', message: 'the host file is empty', place: startOf(file), hint: '`ostler init` writes one to begin with.' });
  if (node.is !== 'map')
    throw problem({
      code: 'host-file-invalid',
      message: `expected a map such as \`ostler: 1\` and \`workers:\`; found a ${node.is === 'list' ? 'list' : 'single value'}`,
      place: node.at,
    });
  return node;
}
