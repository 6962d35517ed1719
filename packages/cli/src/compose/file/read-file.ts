import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Place } from '@ostler/core';
import { trouble } from '../troubles.ts';

const mostBytes = 1024 * 1024;

/**
 * The text of a regular file of UTF-8, at most 1 MiB. null = it is not there, where `isOptional`. Throws a failure; `referrer`: where the file was named.
 */
export async function readFileText(path: string, referrer: Place | undefined, isOptional = false): Promise<string | null> {
  const fail = (why: string, hint?: string) => trouble(`${path} ${why}`, referrer, hint);
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
    throw fail(error.code === 'EACCES' ? 'may not be read by this user' : `cannot be read (${error.code ?? 'unknown error'})`);
  });
  if (handle === null) {
    if (isOptional) return null;
    throw fail('does not exist');
  }
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw fail(stat.isDirectory() ? 'is a folder' : 'is no regular file');
    const bytes = Buffer.alloc(mostBytes + 1);
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await handle.read(bytes, length, bytes.length - length, null).catch((error: NodeJS.ErrnoException) => {
        throw fail(`cannot be read (${error.code ?? 'unknown error'})`);
      });
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    if (length > mostBytes) throw fail(`is larger than ${mostBytes / 1024} KiB`);
    return decoded(bytes.subarray(0, length), fail);
  } finally {
    await handle.close();
  }
}

function decoded(bytes: Uint8Array, fail: (why: string, hint?: string) => Error): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw fail('is not UTF-8 text', 'Save it as UTF-8.');
  }
}
