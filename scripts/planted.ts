import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout that the tests belong to. */
export const thisTree = fileURLToPath(new URL('..', import.meta.url));

export interface PlantedTree {
  readonly root: string;
  file(path: string, text: string): void;
  end(): void;
}

/** A folder into which a test plants what a check must find. */
export function plantedTree(): PlantedTree {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'ostler-planted-')));
  return {
    root,
    file(path, text) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    },
    end: () => rmSync(root, { recursive: true, force: true }),
  };
}
