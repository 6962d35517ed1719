import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Call } from '@ostler/sdk';
import { refusal } from '../errors.ts';
import type { ContextEntry } from './context.ts';
import { openFile } from './file-hashes.ts';

/** A text of ours beside the files of the context. */
export interface ExtraFile {
  readonly path: string;
  readonly text: string;
}

const block = 512;
const chunkBytes = 256 * 1024;
/** What eleven octal digits can say. */
const largestSize = 8 ** 11 - 1;

/**
 * The context as a tar (POSIX ustar, with pax headers where a name or a size does not fit), a chunk at a time: nothing is held but one chunk. Files are held
 * against what they were when the context was read: throws `conflict` for one that has changed, so that nothing else is built than what was pinned.
 */
export async function* tarOf(root: string, entries: readonly ContextEntry[], extras: readonly ExtraFile[], call: Call): AsyncGenerator<Buffer> {
  const isExtra = new Set(extras.map(({ path }) => path));
  for (const { path, text } of extras) {
    const bytes = Buffer.from(text);
    yield headerOf({ path, mode: 0o644, mtimeS: 0, size: bytes.length, type: '0', target: '' });
    yield padded(bytes);
  }
  for (const entry of entries) {
    if (isExtra.has(entry.path)) continue;
    const { path, mode, mtimeS } = entry;
    if (entry.is === 'folder') yield headerOf({ path: `${path}/`, mode, mtimeS, size: 0, type: '5', target: '' });
    else if (entry.is === 'link') yield headerOf({ path, mode, mtimeS, size: 0, type: '2', target: entry.target });
    else {
      yield headerOf({ path, mode, mtimeS, size: entry.size, type: '0', target: '' });
      yield* contentOf(join(root, path), entry, call);
    }
  }
  yield Buffer.alloc(2 * block);
}

async function* contentOf(path: string, { size, digest }: ContextEntry & { readonly is: 'file' }, call: Call): AsyncGenerator<Buffer> {
  const file = await openFile(path);
  try {
    const hash = createHash('sha256');
    let at = 0;
    while (at < size) {
      call.signal.throwIfAborted();
      // Its own each time: who takes it may hold it until it is sent.
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(chunkBytes, size - at)), 0, undefined, at);
      if (bytesRead === 0) break;
      const chunk = buffer.subarray(0, bytesRead);
      hash.update(chunk);
      at += bytesRead;
      call.progress('sending the folder to build from');
      yield chunk;
    }
    if (at !== size || hash.digest('hex') !== digest)
      throw refusal('conflict', `${path} was changed while it was sent to the build; the build was called off, and is tried again`, true);
    if (size % block > 0) yield Buffer.alloc(block - (size % block));
  } finally {
    await file.close();
  }
}

interface Header {
  readonly path: string;
  readonly mode: number;
  readonly mtimeS: number;
  readonly size: number;
  /** `0` file, `2` link, `5` folder, `x` pax. */
  readonly type: string;
  readonly target: string;
}

function headerOf(header: Header): Buffer {
  const { path, target, size } = header;
  const records = [
    ...(fits(path) ? [] : [recordOf('path', path)]),
    ...(fits(target) ? [] : [recordOf('linkpath', target)]),
    ...(size <= largestSize ? [] : [recordOf('size', String(size))]),
  ];
  if (records.length === 0) return plainHeader(header);
  const pax = Buffer.concat(records);
  return Buffer.concat([plainHeader({ path: 'pax', mode: 0o644, mtimeS: 0, size: pax.length, type: 'x', target: '' }), padded(pax), plainHeader(header)]);
}

const fits = (text: string): boolean => text.length <= 100 && /^[\x20-\x7e]*$/.test(text);

/** `LENGTH KEY=VALUE\n`, where the length counts itself. */
function recordOf(key: string, value: string): Buffer {
  const rest = Buffer.from(` ${key}=${value}\n`);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/** Owner and group are root's, as Docker's own client sends them. */
function plainHeader({ path, mode, mtimeS, size, type, target }: Header): Buffer {
  const header = Buffer.alloc(block);
  const octal = (value: number, at: number, digits: number): void => void header.write(value.toString(8).padStart(digits, '0'), at, digits, 'latin1');
  header.write(path, 0, 100, 'utf8');
  octal(mode, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(size > largestSize ? 0 : size, 124, 11);
  octal(Math.min(mtimeS, largestSize), 136, 11);
  header.fill(' ', 148, 156);
  header.write(type, 156, 1, 'latin1');
  header.write(target, 157, 100, 'utf8');
  header.write('ustar\u000000', 257, 8, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 8, 'latin1');
  return header;
}

function padded(bytes: Buffer): Buffer {
  const rest = bytes.length % block;
  return rest === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(block - rest)]);
}
