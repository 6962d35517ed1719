/** Names of a host file are DNS labels; Compose allows capitals, `_` and `.` as well. Gives each name of one kind a label of its own. */
export class Names {
  readonly #labels = new Map<string, string>();

  /** Those that need no change keep their names, whatever order they come in. */
  constructor(names: Iterable<string>) {
    const all = [...names];
    const taken = new Set<string>();
    for (const name of all.toSorted((a, b) => Number(labelOf(b) === b) - Number(labelOf(a) === a))) {
      const label = free(labelOf(name), taken);
      taken.add(label);
      this.#labels.set(name, label);
    }
  }

  get(name: string): string | undefined {
    return this.#labels.get(name);
  }

  /** A label for something that had no name before. */
  add(name: string): string {
    const known = this.#labels.get(name);
    if (known !== undefined) return known;
    const label = free(labelOf(name), new Set(this.#labels.values()));
    this.#labels.set(name, label);
    return label;
  }

  get all(): ReadonlyMap<string, string> {
    return this.#labels;
  }
}

const longest = 63;

function labelOf(name: string): string {
  const label = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, longest)
    .replace(/-+$/, '');
  return label === '' ? 'x' : label;
}

function free(label: string, taken: ReadonlySet<string>): string {
  if (!taken.has(label)) return label;
  for (let number = 2; ; number += 1) {
    const next = `${label.slice(0, longest - String(number).length - 1)}-${number}`;
    if (!taken.has(next)) return next;
  }
}
