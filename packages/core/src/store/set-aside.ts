import { closeSync, existsSync, openSync, readSync, renameSync, statSync } from 'node:fs';

/** The header of a store file, read without SQLite so that nothing of the file is touched. https://www.sqlite.org/fileformat2.html#the_database_header */
export type Peek =
  | { readonly is: 'absent' }
  | { readonly is: 'empty' }
  /** What is there cannot be a store; `why` says what it is. */
  | { readonly is: 'damaged'; readonly why: string }
  | { readonly is: 'store'; readonly form: number };

const magic = 'SQLite format 3\0';
const formOffset = 60;

/** Rejects with the file system's error where the file cannot be read: that is no damage. */
export function peek(path: string): Peek {
  const walBytes = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  const stat = statSync(path, { throwIfNoEntry: false });
  // SQLite would silently drop a write-ahead log whose database is missing or empty.
  if (!stat) return walBytes > 0 ? { is: 'damaged', why: 'the file is missing, its write-ahead log is there' } : { is: 'absent' };
  if (!stat.isFile()) return { is: 'damaged', why: 'it is not a file' };
  if (stat.size === 0) return walBytes > 0 ? { is: 'damaged', why: 'the file is empty, its write-ahead log is not' } : { is: 'empty' };
  const header = Buffer.alloc(100);
  const file = openSync(path, 'r');
  try {
    if (readSync(file, header, 0, 100, 0) < 100) return { is: 'damaged', why: 'the file is shorter than a header' };
  } finally {
    closeSync(file);
  }
  if (header.toString('latin1', 0, 16) !== magic) return { is: 'damaged', why: 'the file is not a database' };
  return { is: 'store', form: header.readUInt32BE(formOffset) };
}

/** Renames a damaged store with what belongs to it and returns its new path. The log keeps its suffix, so that SQLite's recovery tools find the pair. */
export function setAside(path: string, now: Date): string {
  const stamp = now.toISOString().replace(/[-:]|\.\d+/g, '');
  let name = `${path}.damaged-${stamp}`;
  for (let n = 2; existsSync(name) || existsSync(`${name}-wal`); n++) name = `${path}.damaged-${stamp}-${n}`;
  // The file last: if this is cut short, what is left is still seen as damaged.
  for (const suffix of ['-wal', '-shm', '-journal', '']) {
    if (existsSync(`${path}${suffix}`)) renameSync(`${path}${suffix}`, `${name}${suffix}`);
  }
  return name;
}
