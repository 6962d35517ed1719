import { basename, dirname, join, relative } from 'node:path';
import type { Registry } from '@ostler/core';
import type { loadCore } from '../agent/options.ts';
import { loadProject, readEnvFiles } from './file/load.ts';
import { entryOf, mapNode, withEntry } from './file/node.ts';
import { readFileText } from './file/read-file.ts';
import { Scope } from './file/scope.ts';
import { uniqueService } from './file/unique.ts';
import { parseCompose } from './file/yaml.ts';
import { hostFileOf } from './host-file.ts';
import { type Note, Notes, noteLines } from './notes.ts';
import { Project } from './project.ts';
import { renderHostFile } from './render.ts';
import { Troubles } from './troubles.ts';
import { verifier } from './verify.ts';

export interface ImportGiven {
  /** Absolute, later over earlier. */
  readonly files: readonly string[];
  /** Absolute. undefined = `.env` beside the first file, if it is there. */
  readonly envFiles?: readonly string[] | undefined;
  readonly projectName?: string | undefined;
  /** Of the workers. */
  readonly runtime: string;
  /** The folder that the host file will stand in: its paths stand against it. */
  readonly outFolder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly cwd: string;
  readonly core: Awaited<ReturnType<typeof loadCore>>['core'];
  readonly registry: Registry;
}

export interface Imported {
  readonly project: string;
  /** The host file, with its comment. */
  readonly text: string;
  readonly workers: readonly string[];
  /** All files that were read. */
  readonly files: readonly string[];
  readonly left: readonly Note[];
  readonly differs: readonly Note[];
  /** The same as sentences. */
  readonly leftLines: readonly string[];
  readonly differsLines: readonly string[];
}

/** A host file from Compose files. Reads files, and writes none. Throws a failure with all that is wrong. */
export async function importCompose(given: ImportGiven): Promise<Imported> {
  const { env, core } = given;
  const first = given.files[0]!;
  const folder = dirname(first);
  const troubles = new Troubles(core.nearest);
  const notes = new Notes();
  const loading = { troubles, notes, files: [] as string[] };
  const envFiles = await readEnvFiles(
    (given.envFiles ?? [join(folder, '.env')]).map((path) => ({ path, at: given.envFiles === undefined ? null : undefined })),
    loading,
  );
  const fixed = new Map([
    ['PWD', env['PWD'] ?? given.cwd],
    ['HOME', given.home],
  ]);
  const plain = new Scope({
    env,
    files: envFiles,
    fixed,
    troubles: new Troubles(core.nearest),
    notes: new Notes(),
    kept: new Map(),
    everywhere: new Map(),
    ranked: [],
  });
  const name = projectName(given.projectName ?? (await namedIn(given.files, plain)) ?? plain.value('COMPOSE_PROJECT_NAME') ?? basename(folder));
  const scope = new Scope({
    env,
    files: envFiles,
    fixed: new Map([...fixed, ['COMPOSE_PROJECT_NAME', name]]),
    troubles,
    notes,
    kept: new Map(),
    everywhere: new Map(),
    ranked: [],
  });
  const loaded = await loadProject(given.files, folder, scope, loading);
  const services = entryOf(loaded, 'services');
  if (services?.is !== 'map' || services.entries.size === 0) {
    troubles.add('it names no service: a Compose file has `services:`', { file: first, line: 1, column: 1 });
    troubles.throwIfAny();
  }
  const unique =
    services?.is === 'map'
      ? [...services.entries].map(([key, entry]) => [key, { ...entry, value: entry.value.is === 'map' ? uniqueService(entry.value) : entry.value }] as const)
      : [];
  const root = withEntry(loaded, 'services', mapNode(new Map(unique), services ?? loaded));
  const project = new Project({ root, name, outFolder: given.outFolder, home: given.home, runtime: given.runtime, scope, troubles, notes });
  for (const word of ['models'] as const)
    if (entryOf(root, word) !== undefined)
      notes.left({ field: word, text: 'models are run by Docker Desktop; a worker that serves one is a worker of its own', at: root.entries.get(word)!.at });
  const elsewhere = plain.value('COMPOSE_FILE');
  if (elsewhere)
    notes.differs({
      field: 'COMPOSE_FILE',
      text: `Compose reads ${elsewhere} where no file is named; here those that were named are read, and no others`,
      at: root.at,
    });
  const profiles = plain.value('COMPOSE_PROFILES');
  if (profiles)
    notes.differs({ field: 'COMPOSE_PROFILES', text: `profiles are chosen by \`ostler up --profile ${profiles.split(',').join(' ')}\``, at: root.at });
  const hostFile = await hostFileOf(project, verifier(core, given.registry));
  const shown = (file: string): string => {
    const path = relative(given.cwd, file);
    return path.startsWith('..') ? file : path;
  };
  const [leftLines, differsLines] = [notes.allLeft, notes.allDiffering].map((list) => noteLines(list, shown, unique.length)) as [
    readonly string[],
    readonly string[],
  ];
  return {
    ...{ project: name, files: loading.files, left: notes.allLeft, differs: notes.allDiffering, leftLines, differsLines },
    text: renderHostFile(hostFile, commentOf(given.files.map(shown), name, leftLines, differsLines)),
    workers: [...((hostFile.get('workers') as ReadonlyMap<string, unknown>) ?? new Map()).keys()],
  };
}

/** `name:` of the last file that has one; it is needed before variables can be filled in. */
async function namedIn(files: readonly string[], scope: Scope): Promise<string | null> {
  let name: string | null = null;
  for (const file of files) {
    const node = parseCompose((await readFileText(file, undefined))!, file, dirname(file));
    const found = entryOf(node ?? undefined, 'name');
    if (found === undefined) continue;
    const filled = scope.filled(found);
    if (filled.is === 'scalar' && filled.text !== null && filled.text.now !== '') name = filled.text.now;
  }
  return name;
}

/** As Compose makes it: lower case, of letters, digits, `_` and `-`, a letter or digit first. */
const projectName = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]/g, '')
    .replace(/^[_-]+/, '') || 'project';

function commentOf(files: readonly string[], project: string, left: readonly string[], differs: readonly string[]): readonly string[] {
  const listed = (title: string, lines: readonly string[]): readonly string[] => (lines.length === 0 ? [] : ['', title, ...lines.flatMap(wrapped)]);
  return [
    `From ${files.join(', ')} (Compose project ${project}) by \`ostler import compose\`.`,
    '`ostler check` checks it, `ostler up` runs it.',
    ...listed('Not carried over:', left),
    ...listed('Carried over, but look at it:', differs),
    '',
  ];
}

const widest = 140;

/** A sentence as an item of a list, over as many lines as it needs. */
function wrapped(text: string): readonly string[] {
  const lines: string[] = [];
  let line = '-';
  for (const word of text.replaceAll(/[\r\n]+/g, ' ').split(' ')) {
    if (line.length + word.length + 1 > widest && line.trim() !== '' && line !== '-') {
      lines.push(line);
      line = ' ';
    }
    line = `${line} ${word}`;
  }
  return [...lines, line];
}
