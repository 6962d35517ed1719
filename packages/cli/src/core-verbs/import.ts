import { access, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { type AgentVerbOptions, loadCore } from '../agent/options.ts';
import { Failure, usage } from '../failure.ts';
import { note, say, sayJson } from '../print.ts';

export interface ImportOptions extends AgentVerbOptions {
  readonly out?: string | undefined;
  readonly force?: boolean | undefined;
  readonly envFile?: readonly string[] | undefined;
  readonly projectName?: string | undefined;
  readonly runtime?: string | undefined;
}

/** Writes a host file from the files of another tool: to stdout, or where `--out` says. What could not be carried over is said on stderr, and stands in it. */
export async function run(options: ImportOptions, [form, ...files]: string[]): Promise<number> {
  if (form !== 'compose') throw usage(`there is nothing to import from \`${form}\``, 'write `ostler import compose FILE…`');
  const runtime = options.runtime ?? 'docker';
  if (runtime !== 'docker' && runtime !== 'podman') throw usage(`--runtime ${runtime}: expected docker or podman`);
  const cwd = process.cwd();
  const out = options.out === undefined ? null : resolve(cwd, options.out);
  if (out !== null) await refuseToReplace(out, options.force === true);
  const found = files.length > 0 ? await named(files, cwd) : await usual(cwd);
  const { core, builtins } = await loadCore();
  const plugins = await core.loadPlugins({ uses: [], builtins, ownFolder: cwd, uid: process.getuid?.() ?? 0 });
  const { importCompose } = await import('../compose/import-compose.ts');
  const imported = await importCompose({
    ...{ files: found.files, projectName: options.projectName, runtime, outFolder: out === null ? cwd : dirname(out), cwd, core },
    ...{ env: await ownEnvironment(options.envFile ?? []), home: process.env['HOME'] ?? homedir(), registry: plugins.registry },
    envFiles: options.envFile?.map((file) => resolve(cwd, file)),
  });
  if (out !== null) await write(out, imported.text, options.force === true);
  const beside = await overrideBeside(found.files, files.length > 0);
  if (options.json) {
    const notes = (list: typeof imported.left) => list.map(({ of, field, text, at }) => ({ of, field, text, ...at }));
    sayJson({
      ...{ version: 1, project: imported.project, files: imported.files, hostFile: out, text: out === null ? imported.text : null, workers: imported.workers },
      ...{ left: notes(imported.left), differs: notes(imported.differs), unread: beside },
    });
    return 0;
  }
  if (out === null) process.stdout.write(imported.text);
  if (imported.leftLines.length > 0) note('not carried over:', options);
  for (const line of imported.leftLines) note(`  ${line}`, options);
  if (imported.differsLines.length > 0) note('carried over, but look at it:', options);
  for (const line of imported.differsLines) note(`  ${line}`, options);
  if (beside !== null) note(`${beside} was not read: Compose reads it by itself only where no file is named; name it too if it is wanted`, options);
  if (out !== null) say(`wrote ${out}: ${imported.workers.length} worker${imported.workers.length === 1 ? '' : 's'}`);
  return 0;
}

/** Node takes `--env-file` for its own, wherever it stands, and puts the file into the environment. What came so is taken out again. */
async function ownEnvironment(files: readonly string[]): Promise<Readonly<Record<string, string | undefined>>> {
  const env = { ...process.env };
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => '');
    for (const [name, value] of Object.entries(parseEnv(text))) if (env[name] === value) delete env[name];
  }
  return env;
}

const names = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml'];
const overrides = names.map((name) => name.replace(/\.(ya?ml)$/, '.override.$1'));

interface Found {
  /** Absolute. */
  readonly files: readonly string[];
}

/** A folder stands for the files that Compose would read in it. */
async function named(files: readonly string[], cwd: string): Promise<Found> {
  const all: string[] = [];
  for (const file of files) {
    const path = resolve(cwd, file);
    const isFolder = await stat(path).then(
      (found) => found.isDirectory(),
      () => false,
    );
    all.push(...(isFolder ? (await usual(path)).files : [path]));
  }
  return { files: all };
}

async function usual(folder: string): Promise<Found> {
  const there = await readdir(folder).catch(() => [] as string[]);
  const main = names.find((name) => there.includes(name));
  if (main === undefined) throw usage(`${folder} has no Compose file: ${names.join(', ')}`, 'name one: `ostler import compose FILE…`');
  const override = overrides.find((name) => there.includes(name));
  return { files: [main, ...(override === undefined ? [] : [override])].map((name) => join(folder, name)) };
}

/** The override file that somebody may have thought of too. */
async function overrideBeside(files: readonly string[], areNamed: boolean): Promise<string | null> {
  const [only, ...more] = files;
  if (!areNamed || only === undefined || more.length > 0) return null;
  const beside = only.replace(/\.(ya?ml)$/, '.override.$1');
  const isThere =
    beside !== only &&
    (await access(beside).then(
      () => true,
      () => false,
    ));
  return isThere ? beside : null;
}

const isThereAlready = (path: string): Failure =>
  new Failure({ code: 'change-failed', message: `${path} is there already; nothing was written`, hint: 'name another file, or write over it with --force' });

async function refuseToReplace(path: string, isForced: boolean): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory())
    throw new Failure({
      code: 'change-failed',
      message: `${path} is a folder; nothing was written`,
      hint: `name the file: --out ${join(path, 'ostler.yaml')}`,
    });
  if (found !== null && !isForced) throw isThereAlready(path);
}

/** Whole or not at all. */
async function write(path: string, text: string, isForced: boolean): Promise<void> {
  const target = isForced ? `${path}.${process.pid}.new` : path;
  const failed = (error: unknown): Failure =>
    new Failure({
      code: 'change-failed',
      message: `${path} cannot be written: ${(error as Error).message}`,
      hint: 'name a file in a folder that you may write to',
    });
  await mkdir(dirname(path), { recursive: true }).catch((error: unknown) => Promise.reject(failed(error)));
  const file = await open(target, 'wx', 0o644).catch((error: NodeJS.ErrnoException) =>
    Promise.reject(error.code === 'EEXIST' && !isForced ? isThereAlready(path) : failed(error)),
  );
  try {
    await file.writeFile(text);
    await file.sync();
    await file.close();
    if (isForced) await rename(target, path);
  } catch (error) {
    await file.close().catch(() => {});
    await rm(target, { force: true });
    throw failed(error);
  }
}
