/** The parts of a short volume; null = left out. */
export interface MountText {
  readonly source: string | null;
  readonly target: string | null;
  readonly options: readonly string[];
}

/** `./data:/data:ro`, `data:/data`, `/data`. A drive letter of Windows is part of its path. */
export function splitMount(text: string): MountText {
  const parts: string[] = [];
  for (const part of text.split(':')) {
    const isDrive = parts.length > 0 && /^[A-Za-z]$/.test(parts.at(-1)!) && /^[\\/]/.test(part);
    if (isDrive) parts.push(`${parts.pop()}:${part}`);
    else parts.push(part);
  }
  const [first = '', second, options] = parts;
  if (parts.length > 3 || parts.some((part) => part === '')) return { source: null, target: null, options: [] };
  if (second === undefined) return { source: null, target: first, options: [] };
  return { source: first, target: second, options: options?.split(',') ?? [] };
}

/** A path of the host, not the name of a volume. */
export const isPath = (source: string): boolean => /^[./~]/.test(source) || /^([A-Za-z]:[\\/]|\\\\)/.test(source);
