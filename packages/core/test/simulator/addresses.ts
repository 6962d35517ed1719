import type { Declared } from './host.ts';

/** The one port of a worker of stories. */
export const portOf = (name: string): number => 8000 + Number(name.slice(1));

/**
 * Where one worker reaches another, by docs/host-file.md: on the host at its loopback, within a network that both share at that too, within the host's
 * container network by name, from a container to the host by the host's name there. `null` = at none: it publishes nothing.
 */
function addressOf(from: Declared, to: Declared): string | null {
  const [{ port } = { port: null }] = to.written.ports ?? [];
  if (port === null) return null;
  const isHere = to.written.runtime === 'native';
  if (from.written.runtime === 'native') return isHere ? `127.0.0.1:${port}` : null;
  if (isHere) return `host.docker.internal:${port}`;
  return ownerOf(from) === ownerOf(to) ? `127.0.0.1:${port}` : `${ownerOf(to)}:${port}`;
}

const ownerOf = ({ name, written: { networkMode } }: Declared): string => networkMode?.replace('worker:', '') ?? name;

/** An address of another worker that is given as it is not; `null` = all are as they are. */
export function astray(from: Declared, others: readonly Declared[], env: Readonly<Record<string, string>>): string | null {
  for (const [name, address] of Object.entries(env)) {
    const other = others.find((one) => name === `OSTLER_ADDR_${one.name.toUpperCase()}`);
    if (other !== undefined && addressOf(from, other) !== address)
      return `${from.name} is given ${address} for ${other.name}, which is at ${addressOf(from, other)}`;
  }
  return null;
}

/** One that it depends on and that is there, whose address it is not given. */
export function unaddressed(from: Declared, others: readonly Declared[], env: Readonly<Record<string, string>>): string | null {
  const lacking = others.find((one) => addressOf(from, one) !== null && !(`OSTLER_ADDR_${one.name.toUpperCase()}` in env));
  return lacking === undefined ? null : `${from.name} is not given the address of ${lacking.name}`;
}
