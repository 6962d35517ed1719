import { readHost } from '../agent/host.ts';
import type { AgentVerbOptions } from '../agent/options.ts';
import { say, sayJson } from '../print.ts';

/** The merged host file, each value with the place that it comes from. Values from the environment are named, not shown. */
export async function run(options: AgentVerbOptions): Promise<number> {
  const host = await readHost(options);
  const config = await host.config();
  const origins = host.core.explain(config.root);
  if (options.json) {
    sayJson({ version: 1, hostFile: config.path, files: config.files, merged: host.core.maskedJson(config.root), origins });
    return 0;
  }
  const width = Math.min(60, Math.max(0, ...origins.map(({ field, value }) => `${field}: ${String(value)}`.length)));
  for (const { field, value, place } of origins) say(`${`${field}: ${String(value)}`.padEnd(width)}  # ${place.file}:${place.line}`);
  return 0;
}
