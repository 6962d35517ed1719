import { createReadStream, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Full lines of 100 bytes that the flood has put into some files; counts line ends only, so nothing else may print. */
export async function linesIn(paths: readonly string[]): Promise<number> {
  let lines = 0;
  for (const path of paths) for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) lines += lineEnds(chunk);
  return lines;
}

export function lineEnds(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) count += 1;
  return count;
}

/** The files of a folder whose names fit, in order. */
export function filesIn(dir: string, fits: RegExp): readonly string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir)
    .filter((name) => fits.test(name))
    .sort()
    .map((name) => join(dir, name));
}
