import { createHmac } from 'node:crypto';
import type { Json } from '@ostler/sdk';

/**
 * 16 hex digits over the canonical text of `json`. Keyed: the digest stands in container labels and file names, where an unkeyed one would let
 * anybody try out short secrets.
 */
export function keyedDigest(key: Uint8Array, json: Json): string {
  return createHmac('sha256', key).update('ostler digest 1\0').update(canonical(json)).digest('hex').slice(0, 16);
}

/** 64 hex digits over a secret's bytes: equal values compare equal, and nothing of the value can be had back without the key. */
export function keyedHmac(key: Uint8Array, bytes: Uint8Array | string): string {
  return createHmac('sha256', key).update('ostler secret 1\0').update(bytes).digest('hex');
}

/** JSON with sorted keys (by UTF-16 code units) and no white space; what JSON.stringify leaves out is left out. */
function canonical(json: Json): string {
  if (Array.isArray(json)) return `[${json.map((item) => canonical((item as Json | undefined) ?? null)).join(',')}]`;
  if (typeof json !== 'object' || json === null) return JSON.stringify(json);
  const fields = Object.entries(json).filter(([, value]) => value !== undefined);
  fields.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, value]) => `${JSON.stringify(name)}:${canonical(value)}`).join(',')}}`;
}
