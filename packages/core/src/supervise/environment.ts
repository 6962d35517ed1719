import type { InstanceRef, WorkerSpec } from '@ostler/sdk';
import type { WorkerRules } from '../spec/index.ts';

const upper = (name: string): string => name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_');

/** What core adds to a worker's environment: who it is, its ports, where its dependencies are. */
export function environmentOf(
  ref: InstanceRef,
  spec: WorkerSpec,
  rules: WorkerRules,
  host: { readonly name: string; addressOf(from: string, worker: string): string | null },
): Readonly<Record<string, string>> {
  const [first] = spec.ports;
  // What the worker's own `env` says of them goes before: the name is no invention of ours.
  const ports = [
    ...(first ? [['PORT', String(first.port)] as const] : []),
    ...spec.ports.map((port) => [`PORT_${upper(port.name)}`, String(port.port)] as const),
  ];
  const addresses = rules.dependsOn.flatMap(({ worker }) => {
    const address = host.addressOf(ref.worker, worker);
    return address === null ? [] : [[`OSTLER_ADDR_${upper(worker)}`, address] as const];
  });
  return {
    OSTLER_WORKER: ref.worker,
    OSTLER_INSTANCE: ref.instance,
    OSTLER_GENERATION: ref.generation,
    OSTLER_HOST_NAME: host.name,
    ...Object.fromEntries(ports.filter(([name]) => !(name in spec.env))),
    ...Object.fromEntries(addresses),
  };
}
