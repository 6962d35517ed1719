import { preferenceOf, type Registry, readWorker } from '../spec/index.ts';
import { type MapNode, nodeAt, placeAt, toJson } from './node.ts';

/**
 * Probes of ports that the worker does not declare, a sentence each: mostly a slip of the pen, or the port that others see. A worker that declares none
 * says nothing of its ports, and a probe with a `host` of its own asks somebody else.
 */
export function probePortWarnings(name: string, worker: MapNode, registry: Registry): readonly string[] {
  const written = toJson(worker);
  const runtime = preferenceOf(written, registry).find((one) => registry.runtimes.has(one));
  if (runtime === undefined) return [];
  const read = readWorker(written, { name, runtime, baseDir: '/', registry });
  if (!read.ok) return [];
  const ports = read.normal.spec.ports.filter(({ protocol }) => protocol === 'tcp');
  if (ports.length === 0) return [];
  return read.normal.rules.health.probes.flatMap(({ kind, options }) => {
    const { port, host } = (typeof options === 'object' && options !== null ? options : {}) as { readonly port?: unknown; readonly host?: unknown };
    if (typeof port !== 'number' || host !== undefined || ports.some((one) => one.port === port)) return [];
    const blocks = [[runtime], [registry.runtimes.get(runtime)!.class], []];
    const path =
      blocks
        .flatMap((block) => [
          [...block, 'health', kind, 'port'],
          [...block, 'health', kind],
        ])
        .find((one) => nodeAt(worker, one)) ?? [];
    const { file, line, column } = placeAt(worker, path);
    const published = ports.find((one) => one.publish?.port === port);
    const why =
      published === undefined
        ? `it declares ${ports.map((one) => one.port).join(', ')}`
        : `${port} is where its port ${published.port} is published, and a probe names the worker's own`;
    return [`workers.${name}.health.${kind} asks port ${port}, which the worker does not declare: ${why} (${file}:${line}:${column})`];
  });
}
