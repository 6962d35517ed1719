import type { Port } from '@ostler/sdk';
import { z } from 'zod';
import { flag, text, word } from './text.ts';

/** As written: `publish` still without the default address. `'same'`: published where the worker listens. */
export interface PortRule {
  readonly name: string | null;
  readonly port: number;
  readonly publish: { readonly address: string; readonly port: number } | null;
  readonly protocol: 'tcp' | 'udp';
}

const numberExpected = 'expected a port from 1 to 65535';
export const portNumber = () => z.int({ error: numberExpected }).min(1, { error: numberExpected }).max(65_535, { error: numberExpected });

const shortExpected = 'expected `8501:8501` (published:worker), `127.0.0.1:80:8080/udp`, a number, or { name, port, publish, protocol }';
const isAddress = (address: string): boolean =>
  /^\d{1,3}(\.\d{1,3}){3}$/.test(address) ? address.split('.').every((part) => Number(part) <= 255) : /^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$/.test(address);
const number = (digits: string): number | null => (/^[1-9]\d{0,4}$/.test(digits) && Number(digits) <= 65_535 ? Number(digits) : null);

/** Docker's short form. Not published on all addresses unless it says so: 127.0.0.1. Returns a sentence for what it cannot be. */
export function parsePort(short: string): PortRule | string {
  const found = /^(?:(?:\[([^\]]+)\]|([^:[\]]+)):)?(?:([^:]*):)?([^:/]+)(?:\/(tcp|udp))?$/.exec(short);
  if (/\d-\d/.test(short)) return 'a range of ports is not possible; write each port on its own, so that each has a name and a probe can use it';
  if (!found) return shortExpected;
  let [, bracketed, first, second, inner] = found;
  const protocol = (found[5] ?? 'tcp') as 'tcp' | 'udp';
  // `8080:80`: the lone first part is a port, not an address
  if (second === undefined && first !== undefined) {
    second = first;
    first = undefined;
  }
  const port = number(inner ?? '');
  if (port === null) return `\`${inner}\` is no port; ${shortExpected}`;
  const address = bracketed ?? first;
  if (address !== undefined && !isAddress(address)) return `\`${address}\` is no IP address; ${shortExpected}`;
  if (second === undefined) return bracketed === undefined ? { name: null, port, publish: null, protocol } : shortExpected;
  const published = number(second);
  if (published === null) return `\`${second}\` is no port to publish; ${shortExpected}`;
  return { name: null, port, publish: { address: address ?? '127.0.0.1', port: published }, protocol };
}

const short = z.union([z.string(), z.int()]).transform((value, context): PortRule => {
  const parsed = parsePort(String(value));
  if (typeof parsed !== 'string') return parsed;
  context.addIssue({ code: 'custom', message: parsed });
  return z.NEVER;
});

const long = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z][A-Za-z0-9_-]{0,31}$/, { error: 'expected letters, digits, `-` and `_`, a letter first, at most 32' })
      .optional(),
    port: portNumber(),
    publish: z.union([flag(), portNumber(), text()], { error: 'expected a port, `ADDRESS:PORT`, true (the same port) or false' }).optional(),
    protocol: word(['tcp', 'udp']).optional(),
  })
  .transform((value, context): PortRule => {
    const base = { name: value.name ?? null, port: value.port, protocol: value.protocol ?? 'tcp' } as const;
    if (value.publish === undefined || value.publish === false) return { ...base, publish: null };
    if (typeof value.publish !== 'string') return { ...base, publish: { address: '127.0.0.1', port: value.publish === true ? value.port : value.publish } };
    const parsed = parsePort(`${value.publish}:${value.port}`);
    if (typeof parsed !== 'string') return { ...base, publish: parsed.publish };
    context.addIssue({ code: 'custom', path: ['publish'], message: 'expected a port or `ADDRESS:PORT`' });
    return z.NEVER;
  });

export const ports = () =>
  z
    .array(z.union([short, long], { error: shortExpected }), { error: 'expected a list of ports' })
    .max(1000, { error: 'more than 1000 ports' })
    .superRefine((rules, context) => {
      const seen = new Map<string, number>();
      for (const [index, rule] of rules.entries()) {
        for (const [key, what] of [
          [`${rule.port}/${rule.protocol}`, `port ${rule.port}/${rule.protocol}`],
          [`name ${rule.name ?? index}`, `the name \`${rule.name}\``],
        ] as const) {
          if (seen.has(key)) context.addIssue({ code: 'custom', path: [index], message: `${what} is given twice` });
          seen.set(key, index);
        }
      }
    });

/** In the normal form. A process listens on the host itself, so its port is taken there whether it says so or not. */
export function toPort(rule: PortRule, isProcess: boolean): Port {
  return {
    name: rule.name ?? String(rule.port),
    port: rule.port,
    protocol: rule.protocol,
    publish: rule.publish ?? (isProcess ? { address: '127.0.0.1', port: rule.port } : null),
  };
}

/** Whether two published ports cannot both be held. An address for all (`0.0.0.0`, `::`) meets every other. */
export function collide(a: Port, b: Port): boolean {
  if (!a.publish || !b.publish || a.protocol !== b.protocol || a.publish.port !== b.publish.port) return false;
  const isAll = (address: string) => address === '0.0.0.0' || address === '::';
  return a.publish.address === b.publish.address || isAll(a.publish.address) || isAll(b.publish.address);
}
