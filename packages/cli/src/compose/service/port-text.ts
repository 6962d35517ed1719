/** The parts of a short port as they are written; '' = left out. Ranges are not taken apart. */
export interface PortText {
  readonly address: string;
  readonly published: string;
  readonly target: string;
  readonly protocol: string;
}

/** `127.0.0.1:8080:80/udp`, `[::1]::80`, `3000-3005:3000-3005`. Returns a sentence for what it cannot be. */
export function parsePort(text: string): PortText | string {
  const bad = `\`${text}\` is no port: expected [ADDRESS:][PUBLISHED:]PORT[/PROTOCOL]`;
  const [rest = '', protocol = 'tcp', ...more] = text.trim().split('/');
  const bracketed = /^\[([^\]]*)\]:(?:([^:]*):)?([^:]+)$/.exec(rest);
  const parts = rest.split(':');
  const target = bracketed?.[3] ?? parts.pop() ?? '';
  const before = bracketed ? (bracketed[2] ?? '') : (parts.pop() ?? '');
  const isPort = before === '' || /^\d+(-\d+)?$/.test(before);
  const address = bracketed?.[1] ?? (isPort ? parts.join(':') : [...parts, before].join(':'));
  const published = isPort ? before : '';
  if (more.length > 0 || !/^\d+(-\d+)?$/.test(target) || !/^[0-9A-Za-z:.-]*$/.test(address)) return bad;
  return { address, published, target, protocol: protocol.toLowerCase() };
}

/** `3000-3002` -> [3000, 3001, 3002]; null if it is no range of ports. */
export function portsOf(range: string): readonly number[] | null {
  const [from, to] = range.split('-').map(Number);
  const last = to ?? from;
  if (from === undefined || last === undefined || !(from >= 1 && last >= from && last <= 65_535)) return null;
  return Array.from({ length: last - from + 1 }, (_, index) => from + index);
}
