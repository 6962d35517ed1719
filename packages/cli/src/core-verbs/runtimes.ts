import type { RuntimesDocument } from '@ostler/core';
import { readHost, withRuntimes } from '../agent/host.ts';
import { type AgentVerbOptions, agentOptions, loadCore } from '../agent/options.ts';
import { answerOf } from '../agent/running.ts';
import { say, sayJson } from '../print.ts';

/** What this host offers, and why not: as the agent that runs sees it, else as this command does. */
export async function run(options: AgentVerbOptions): Promise<number> {
  const { runtimes } = (await answerOf<RuntimesDocument>(options, '/v1/runtimes')) ?? (await ownDocument(options));
  if (options.json) {
    sayJson({ version: 1, runtimes });
    return 0;
  }
  for (const { name, state, reason, plugin, engineName, engineVersion, limits, outlives, notes } of runtimes) {
    say(
      `${name}  ${state}${reason === null ? '' : `: ${reason}`}  (${[engineName, engineVersion].filter(Boolean).join(' ') || 'no answer yet'}; by ${plugin})`,
    );
    if (limits !== null)
      say(
        `  limits: ${Object.entries(limits)
          .map(([what, how]) => `${what} ${how}`)
          .join(', ')}`,
      );
    if (outlives !== null)
      say(`  its workers outlive ${[outlives.agent ? 'the agent' : '', outlives.engine ? 'their engine' : ''].filter(Boolean).join(' and ') || 'nothing'}`);
    for (const note of notes) say(`  note: ${note}`);
  }
  return 0;
}

async function ownDocument(options: AgentVerbOptions): Promise<RuntimesDocument> {
  const since = new Date().toISOString();
  return withRuntimes(await pluginsOf(options), async (asked) => ({
    version: 1,
    runtimes: asked.map(({ name, class: ofClass, pluginId, facts, reason }) => ({
      ...{ name, class: ofClass, plugin: pluginId, state: facts === null ? ('down' as const) : ('up' as const), since, reason },
      ...{ engineName: facts?.name ?? null, engineVersion: facts?.version ?? null, limits: facts?.limits ?? null, outlives: facts?.outlives ?? null },
      notes: [...(facts?.notes ?? [])],
    })),
  }));
}

/** Without a host file: the plugins that come with ostler. */
async function pluginsOf(options: AgentVerbOptions) {
  const loaded = await loadCore();
  try {
    await agentOptions(loaded, options);
  } catch (error) {
    if (!loaded.core.isProblem(error) || error.code !== 'host-file-missing' || options.config !== undefined) throw error;
    const { core, builtins } = loaded;
    return { core, plugins: await core.loadPlugins({ uses: [], builtins, ownFolder: process.cwd(), uid: process.getuid?.() ?? 0 }) };
  }
  return readHost(options);
}
