// IP addresses and ranges of them, as numbers: for what can be told of networks before an engine is asked.

export interface Address {
  readonly bits: 32 | 128;
  readonly value: bigint;
}
/** `value`: its first address. */
export interface Subnet extends Address {
  /** Of its prefix. */
  readonly length: number;
}

/** `null` = no address of IPv4 or IPv6. */
export function parseAddress(text: string): Address | null {
  return text.includes(':') ? v6(text) : v4(text);
}

/** `10.9.0.0/24`. `null` = no range, or its address is not the first one of it. */
export function parseSubnet(text: string): Subnet | null {
  const [, address = '', digits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const first = parseAddress(address);
  const length = Number(digits);
  if (first === null || length > first.bits) return null;
  return first.value % sizeOf(first.bits, length) === 0n ? { ...first, length } : null;
}

const sizeOf = (bits: number, length: number): bigint => 1n << BigInt(bits - length);

/** Whether all of one is within the other. An address is a range of one. */
export function contains(outer: Subnet, inner: Address | Subnet): boolean {
  const length = 'length' in inner ? inner.length : inner.bits;
  return outer.bits === inner.bits && outer.length <= length && inner.value >= outer.value && inner.value < outer.value + sizeOf(outer.bits, outer.length);
}

export const overlap = (a: Subnet, b: Subnet): boolean => contains(a, b) || contains(b, a);

/** The engine's own: its first address, of IPv4 the last one too. `null` = one that a worker can have. */
export function reserved(subnet: Subnet, { value }: Address): 'network' | 'broadcast' | null {
  const { bits, length } = subnet;
  if (length >= bits - 1) return null;
  if (value === subnet.value) return 'network';
  return bits === 32 && value === subnet.value + sizeOf(bits, length) - 1n ? 'broadcast' : null;
}

/** The address that an engine gives the host on a network that names none. */
export const firstOf = (subnet: Subnet): Address => ({ bits: subnet.bits, value: subnet.value + 1n });

export const isSame = (a: Address, b: Address): boolean => a.bits === b.bits && a.value === b.value;

/** 127.0.0.0/8 and ::1. */
export function isLoopback(text: string): boolean {
  const address = parseAddress(text);
  if (address === null) return text === 'localhost';
  return address.bits === 32 ? address.value >> 24n === 127n : address.value === 1n;
}

function v4(text: string): Address | null {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) return null;
  return { bits: 32, value: parts.reduce((sum, part) => sum * 256n + BigInt(part), 0n) };
}

function v6(text: string): Address | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const [head, tail] = [halves[0] ?? '', halves[1] ?? ''].map((half) => (half === '' ? [] : half.split(':')));
  const given = [...head!, ...tail!];
  const missing = 8 - given.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  if (!given.every((part) => /^[0-9a-fA-F]{1,4}$/.test(part))) return null;
  const all = [...head!, ...Array.from({ length: missing }, () => '0'), ...tail!];
  return { bits: 128, value: all.reduce((sum, part) => sum * 65_536n + BigInt(`0x${part}`), 0n) };
}
