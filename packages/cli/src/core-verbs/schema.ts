import { readHost } from '../agent/host.ts';
import { type AgentVerbOptions, agentOptions, loadCore } from '../agent/options.ts';
import { sayJson } from '../print.ts';

/** The JSON Schema of the host file, with the options of the plugins that it names; without one, of the plugins that come with ostler. */
export async function run(options: AgentVerbOptions): Promise<number> {
  const loaded = await loadCore();
  const { core, builtins } = loaded;
  const found = await agentOptions(loaded, options).catch((error: unknown) => {
    if (core.isProblem(error) && error.code === 'host-file-missing' && options.config === undefined) return null;
    throw error;
  });
  const plugins =
    found === null
      ? await core.loadPlugins({
          uses: [],
          builtins,
          ownFolder: process.cwd(),
          uid: process.getuid?.() ?? 0,
        })
      : (await readHost(options)).plugins;
  sayJson(core.hostFileJsonSchema(plugins.registry));
  return 0;
}
