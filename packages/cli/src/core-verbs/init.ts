import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { exampleHostFile } from '../agent/example-host-file.ts';
import { type AgentVerbOptions, loadCore } from '../agent/options.ts';
import { Failure } from '../failure.ts';
import { note, say, sayJson } from '../print.ts';

/** Writes a host file to begin with, and its schema for editors. Never over one that is there. */
export async function run(options: AgentVerbOptions): Promise<number> {
  const folder = process.cwd();
  const there = (await readdir(folder)).find((name) => /^ostler(\.config)?\.(ya?ml|json|toml|m?ts|[mc]?js)$/.test(name));
  if (there !== undefined)
    throw new Failure({ code: 'change-failed', message: `${join(folder, there)} is there already; nothing was written`, hint: '`ostler check` checks it' });
  const { core, builtins } = await loadCore();
  const path = join(folder, 'ostler.yaml');
  const plugins = await core.loadPlugins({
    uses: [],
    builtins,
    ownFolder: folder,
    uid: process.getuid?.() ?? 0,
  });
  try {
    await mkdir(join(folder, '.ostler'), { recursive: true });
    await writeFile(join(folder, '.ostler', 'schema.json'), `${JSON.stringify(core.hostFileJsonSchema(plugins.registry), null, 2)}\n`);
    await writeFile(path, await exampleHostFile(core.shortHostName(hostname())), { flag: 'wx' });
  } catch (error) {
    throw new Failure({
      code: 'change-failed',
      message: `${path} cannot be written: ${(error as Error).message}`,
      hint: 'go to a folder that you may write to',
    });
  }
  if (options.json) sayJson({ version: 1, hostFile: path });
  else say(`wrote ${path}`);
  note('next: `ostler check`, then `ostler up`', options);
  return 0;
}
