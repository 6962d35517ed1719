/** What a failed SQLite call means to the store. Result codes: https://www.sqlite.org/rescode.html (the low byte is the primary code). */
export type SqliteTrouble = 'busy' | 'full' | 'damaged' | 'denied' | 'io' | 'refused';

const troubleOf: Readonly<Record<number, SqliteTrouble>> = {
  3: 'denied', // PERM
  5: 'busy', // BUSY
  6: 'busy', // LOCKED
  7: 'io', // NOMEM
  8: 'denied', // READONLY
  10: 'io', // IOERR
  11: 'damaged', // CORRUPT
  13: 'full', // FULL
  14: 'denied', // CANTOPEN
  15: 'io', // PROTOCOL
  22: 'io', // NOLFS
  23: 'denied', // AUTH
  26: 'damaged', // NOTADB
};

const troubleOfErrno: Readonly<Record<string, SqliteTrouble>> = { ENOSPC: 'full', EDQUOT: 'full', EACCES: 'denied', EPERM: 'denied', EROFS: 'denied' };

/** Reads node:sqlite's `errcode` or the `code` of a file system error; anything else is a row that was refused. */
export function sqliteTrouble(error: unknown): SqliteTrouble {
  const { errcode, code, syscall } = error as { errcode?: unknown; code?: unknown; syscall?: unknown };
  if (typeof errcode === 'number') return troubleOf[errcode & 0xff] ?? 'refused';
  if (typeof code === 'string' && typeof syscall === 'string') return troubleOfErrno[code] ?? 'io';
  return 'refused';
}
