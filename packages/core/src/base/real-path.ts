import { realpathSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** An absolute path without symbolic links. What does not exist is resolved as far as it does: somebody may make it later. */
export function realPath(path: string): string {
  const whole = normalize(path).replace(/(.)\/+$/, '$1');
  const missing: string[] = [];
  for (let here = whole; ; here = dirname(here)) {
    try {
      return join(realpathSync(here), ...missing);
    } catch {
      if (here === dirname(here)) return whole;
      missing.unshift(here.slice(here.lastIndexOf('/') + 1));
    }
  }
}
