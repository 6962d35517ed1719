import type { Origin } from './file/scope.ts';
import type { Text } from './file/text.ts';
import { type Out, type OutMap, record } from './out.ts';
import { type Project, shortPath } from './project.ts';

export interface Variables {
  readonly vars: OutMap;
  readonly varsFiles: readonly string[];
}

/**
 * `vars` and `varsFiles` for the variables that are used. What an env file says stays there, so that no value is copied: but what ostler would read
 * otherwise than Compose is written down. The environment is asked by `{ env: NAME }`.
 */
export function variablesOf(texts: readonly Text[], project: Project): Variables {
  const { scope, notes, outFolder } = project.given;
  const vars = new Map<string, Out>();
  const files = new Set<string>();
  const fromFile = new Map<string, Text>();
  const start = { file: project.given.root.at.file, line: 1, column: 1 };
  const queue = texts.flatMap(({ uses }) => uses);
  const bare = new Set(queue.filter(({ isBare }) => isBare).map(({ name }) => name));
  const seen = new Set<string>();
  const inPlace: string[] = [];
  const unset: string[] = [];
  for (const { name } of queue) {
    if (seen.has(name)) continue;
    seen.add(name);
    const origin: Origin = scope.keptOrigin(name);
    if (origin.from === 'file') {
      const { plain, path } = origin.file;
      if (plain?.get(name) === origin.text.now) {
        files.add(path);
        fromFile.set(name, origin.text);
        continue;
      }
      vars.set(name, origin.text);
      inPlace.push(name);
      for (const use of origin.text.uses) {
        queue.push(use);
        if (use.isBare) bare.add(use.name);
      }
    } else if (origin.from === 'environment') vars.set(name, record({ env: name, default: bare.has(name) ? null : '' }));
    else {
      vars.set(name, record({ env: name, default: '' }));
      if (bare.has(name)) unset.push(name);
    }
  }
  const named = scope.envFiles.filter(({ path }) => files.has(path));
  for (const [name, text] of fromFile) {
    const last = named.findLast(({ plain }) => plain?.has(name));
    if (last?.plain?.get(name) !== text.now) vars.set(name, text);
  }
  if (files.size > 0)
    notes.differs({
      field: 'variables',
      text: 'values of an env file are read from it (`varsFiles`); the environment goes before it with Compose, and is asked here only where `vars` says so',
      at: start,
    });
  if (inPlace.length > 0)
    notes.differs({
      field: 'variables',
      text: `ostler reads the env file otherwise than Compose where ${inPlace.join(', ')} stands, so the value stands in \`vars\``,
      at: start,
    });
  if (unset.length > 0)
    notes.differs({
      field: 'variables',
      text: `${unset.join(', ')}: not set here, and nothing steps in; Compose puts nothing there, as \`vars\` does unless the agent’s environment has it`,
      at: start,
    });
  return { vars, varsFiles: named.map(({ path }) => shortPath(outFolder, path)) };
}
