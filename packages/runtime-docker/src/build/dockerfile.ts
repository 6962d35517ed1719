/** One `FROM` line. */
export interface Stage {
  /** As it is written; builders compare names without regard to case, Podman does not. `null` = it has none. */
  readonly name: string | null;
  /** What it stands on, as it is written. */
  readonly from: string;
}

/** As much of a Dockerfile as has to be known before a build. */
export interface Dockerfile {
  readonly stages: readonly Stage[];
  /** Those that stand before the first `FROM`, with their defaults: only they are known to `FROM`. */
  readonly globalArgs: ReadonlyMap<string, string | null>;
  readonly argNames: ReadonlySet<string>;
}

/** Never throws: what is wrong with it is for the builder to say. */
export function parseDockerfile(text: string): Dockerfile {
  const stages: Stage[] = [];
  const globalArgs = new Map<string, string | null>();
  const argNames = new Set<string>();
  for (const line of instructionsOf(text)) {
    const [word = '', ...rest] = line.split(/\s+/);
    const instruction = word.toUpperCase();
    if (instruction === 'FROM') {
      const [from = '', as, name] = rest.filter((one) => !one.startsWith('--'));
      stages.push({ from, name: as?.toUpperCase() === 'AS' && name !== undefined ? name : null });
    } else if (instruction === 'ARG')
      for (const one of rest) {
        const [name = '', ...value] = one.split('=');
        argNames.add(name);
        if (stages.length === 0) globalArgs.set(name, one.includes('=') ? unquoted(value.join('=')) : null);
      }
  }
  return { stages, globalArgs, argNames };
}

/** Lines with their continuations, without comments and without the texts of here-documents. */
function instructionsOf(text: string): readonly string[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const continued = /^#\s*escape\s*=\s*`/im.test(lines.slice(0, 3).join('\n')) ? '`' : '\\';
  const found: string[] = [];
  let open: string | null = null;
  for (let at = 0; at < lines.length; at += 1) {
    const line = (lines[at] ?? '').trim();
    if (line.startsWith('#') || line === '') continue;
    const isOpen = line.endsWith(continued);
    const part = isOpen ? line.slice(0, -1) : line;
    open = open === null ? part : `${open} ${part.trimStart()}`;
    if (isOpen) continue;
    found.push(open);
    if (/^(run|copy|add)\s/i.test(open))
      for (const [, dash, , end] of open.matchAll(/(?:^|\s)\d*<<(-?)(["']?)([A-Za-z_]\w*)\2(?=\s|$)/g))
        for (at += 1; at < lines.length && (dash === '-' ? (lines[at] ?? '').replace(/^\t+/, '') : lines[at]) !== end; at += 1);
    open = null;
  }
  return open === null ? found : [...found, open];
}

const unquoted = (text: string): string => /^(["'])(.*)\1$/.exec(text)?.[2] ?? text;

/** The stage that a target means, by its name as it is written or by its number from 0; `null` = there is none. */
export function stageOf({ stages }: Dockerfile, target: string): string | null {
  const named = stages.find(({ name }) => name?.toLowerCase() === target.toLowerCase())?.name ?? null;
  return named ?? (/^\d+$/.test(target) && Number(target) < stages.length ? target : null);
}

/** The images from outside that its stages stand on, variables filled in; those whose variables say nothing are left out. */
export function basesOf({ stages, globalArgs }: Dockerfile, args: Readonly<Record<string, string>>): readonly string[] {
  const value = (name: string): string => (globalArgs.has(name) ? (args[name] ?? globalArgs.get(name) ?? '') : '');
  const earlier = new Set<string | undefined>();
  const bases: string[] = [];
  for (const { from, name } of stages) {
    const base = from.replaceAll(/\$(?:\{(\w+)(?::([-+])([^}]*))?\}|(\w+))/g, (_, braced?: string, sign?: string, other = '', bare?: string) => {
      const found = value(braced ?? bare ?? '');
      if (sign === '-') return found === '' ? other : found;
      return sign === '+' ? (found === '' ? '' : other) : found;
    });
    if (base !== '' && base.toLowerCase() !== 'scratch' && !earlier.has(base.toLowerCase())) bases.push(base);
    earlier.add(name?.toLowerCase());
  }
  return [...new Set(bases)];
}
