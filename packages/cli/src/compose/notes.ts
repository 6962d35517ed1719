import type { Place } from '@ostler/core';

/** Something that was not carried over, or works otherwise than with Compose. */
export interface Note {
  /** The service, volume or network that it is about; null = the file. */
  readonly of: string | null;
  /** As Compose calls it. */
  readonly field: string;
  readonly text: string;
  readonly at: Place;
}

type Given = Omit<Note, 'of'> & { readonly of?: string | null };

/** What an import has to say, beside the host file. */
export class Notes {
  readonly #left: Note[] = [];
  readonly #differs: Note[] = [];

  /** Not carried over; `text` says why. */
  left(note: Given): void {
    add(this.#left, note);
  }

  /** Carried over, but something is different. */
  differs(note: Given): void {
    add(this.#differs, note);
  }

  get allLeft(): readonly Note[] {
    return this.#left;
  }

  get allDiffering(): readonly Note[] {
    return this.#differs;
  }
}

function add(to: Note[], { of = null, ...note }: Given): void {
  const isKnown = to.some((one) => one.of === of && one.field === note.field && one.text === note.text);
  if (!isKnown) to.push({ of, ...note });
}

/** One line each for people; what is said of several is said once. `shown`: how a file is called. `services`: how many there are. */
export function noteLines(notes: readonly Note[], shown: (file: string) => string, services: number): readonly string[] {
  const groups = new Map<string, Note[]>();
  for (const note of notes) {
    const key = `${note.field}\n${note.text}`;
    groups.set(key, [...(groups.get(key) ?? []), note]);
  }
  return [...groups.values()].map((group) => {
    const { field, text, at } = group[0]!;
    const names = group.flatMap(({ of }) => of ?? []);
    const all = names.length > 12 ? `${names.slice(0, 12).join(', ')} and ${names.length - 12} more` : names.join(', ');
    const who = names.length > 2 && names.length === services ? 'all services' : all;
    const where = group.length === 1 ? ` (${shown(at.file)}:${at.line})` : '';
    return `${[field, who].filter((part) => part !== '').join(' of ')}${where}: ${text}`;
  });
}
