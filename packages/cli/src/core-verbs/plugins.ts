import type { PluginsDocument } from '@ostler/core';
import { readHost, withRuntimes } from '../agent/host.ts';
import type { AgentVerbOptions } from '../agent/options.ts';
import { answerOf } from '../agent/running.ts';
import { say, sayJson } from '../print.ts';

/** What is loaded, and from where: by the agent that runs, else by this command. */
export async function run(options: AgentVerbOptions): Promise<number> {
  const { plugins } = (await answerOf<PluginsDocument>(options, '/v1/plugins')) ?? (await ownDocument(options));
  if (options.json) sayJson({ version: 1, plugins });
  else
    for (const { id, release, from, contributes, state, problem } of plugins) {
      say(`${id}${release === null ? '' : ` ${release}`}  ${state}${problem === null ? '' : `: ${problem}`}`);
      say(`  from ${from}`);
      if (contributes.length > 0) say(`  ${contributes.join(', ')}`);
    }
  return plugins.some(({ state }) => state === 'failed') ? 1 : 0;
}

async function ownDocument(options: AgentVerbOptions): Promise<PluginsDocument> {
  return withRuntimes(await readHost(options), async (_, _failures, list) => ({ version: 1, plugins: [...list] }), new Set());
}
