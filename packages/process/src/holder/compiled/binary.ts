import { createHash } from 'node:crypto';
import { accessSync, constants, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const platform = `${process.platform}-${process.arch}`;

/** Where a build from source leaves it (`npm run build:holder`). */
const built = fileURLToPath(new URL('../../../build/ostler-holder', import.meta.url));

/** What the packages of this version bring; not there in a checkout that has built none of them. */
const checksums = new URL('../../../holder-checksums.json', import.meta.url);

/** The package that brings it for this platform. */
export const holderPackage = `@ostler/holder-${platform}`;

type FoundBinary = { readonly path: string } | { readonly path: null; readonly why: string };

const trouble = (path: string): string | null => {
  try {
    accessSync(path, constants.X_OK);
    return null;
  } catch {
    return `${path} cannot be executed`;
  }
};

/** A fraction of a ms: it is read through whole. */
function packaged(): FoundBinary {
  let path: string;
  try {
    path = createRequire(import.meta.url).resolve(`${holderPackage}/bin/ostler-holder`);
  } catch {
    // Left out (--omit=optional), or there is none for this platform.
    return { path: null, why: `${holderPackage} is not installed` };
  }
  try {
    const digest = createHash('sha256').update(readFileSync(path)).digest('hex');
    const known: unknown = JSON.parse(readFileSync(checksums, 'utf8'))[platform];
    const why = known === digest ? trouble(path) : `${path} is not the one that this version of @ostler/process was packed with`;
    return why === null ? { path } : { path: null, why };
  } catch (error) {
    return { path: null, why: `${path} could not be checked: ${(error as Error).message}` };
  }
}

/** `path: null` says why there is none. `OSTLER_HOLDER` names one by hand; `sh` = none. */
export function findBinary(env: Readonly<Record<string, string | undefined>> = process.env): FoundBinary {
  const asked = env['OSTLER_HOLDER'];
  if (asked === 'sh') return { path: null, why: 'OSTLER_HOLDER=sh' };
  if (asked === undefined) return trouble(built) === null ? { path: built } : packaged();
  const why = trouble(asked);
  return why === null ? { path: asked } : { path: null, why };
}
