// A newcomer should guess what a file holds from its name, and read it in one go.
import { join, relative } from 'node:path';
import { filesBelow, packageSources } from './sources.mjs';

const maxLines = 300;
const vague = ['util', 'utils', 'helper', 'helpers', 'common', 'misc', 'shared', 'lib', 'types'];

/** Every file that is too long, and every name that says nothing, a line each. @param {string} root */
export function namingViolations(root) {
  const long = packageSources(root)
    .filter(({ lines }) => lines > maxLines)
    .map(({ here, lines }) => `${here}: ${lines} lines, more than ${maxLines}: split it, one noun a file`);
  const named = ['packages', 'examples', 'scripts', 'bench', 'chaos', 'docs']
    .flatMap((folder) => [...filesBelow(join(root, folder))])
    .map((path) => relative(root, path))
    .flatMap((path) => {
      const word = path.split('/').find((part) => vague.includes(part.replace(/(\.(test|d))?\.[cm]?[jt]s$/, '')));
      return word === undefined ? [] : [`${path}: "${word}" does not say what lives there: name it for its noun`];
    });
  return [...long, ...named];
}
