import { readlinkSync, realpathSync } from 'node:fs';
import { dirname, join, normalize, resolve } from 'node:path';

/** As many as the kernel follows. */
const mostLinks = 40;

/** An absolute path without symbolic links. What does not exist is resolved as far as it does, and where a link to it leads: somebody may make it later. */
export function realPath(path: string): string {
  let whole = normalize(path).replace(/(.)\/+$/, '$1');
  for (let links = 0; links < mostLinks; links += 1) {
    const { known, missing } = split(whole);
    const [first, ...rest] = missing;
    const target = first === undefined ? null : linkTarget(join(known, first));
    if (target === null) return join(known, ...missing);
    whole = join(resolve(known, target), ...rest);
  }
  return whole;
}

/** What of a path exists, without its links, and the rest of it. */
function split(path: string): { readonly known: string; readonly missing: readonly string[] } {
  const missing: string[] = [];
  for (let here = path; ; here = dirname(here)) {
    try {
      return { known: realpathSync(here), missing };
    } catch {
      if (here === dirname(here)) return { known: here, missing };
      missing.unshift(here.slice(here.lastIndexOf('/') + 1));
    }
  }
}

function linkTarget(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
