import { accessSync, constants } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const platform = `${process.platform}-${process.arch}`;

/** Where a build from source leaves it (`npm run build:holder`). */
const built = fileURLToPath(new URL('../../../build/ostler-holder', import.meta.url));

/** The package that brings it for this platform. */
export const holderPackage = `@ostler/holder-${platform}`;

function packaged(): string | null {
  try {
    return createRequire(import.meta.url).resolve(`${holderPackage}/bin/ostler-holder`);
  } catch {
    // Left out (--omit=optional), or there is none for this platform.
    return null;
  }
}

/** `path: null` says why there is none. `OSTLER_HOLDER` names one by hand; `sh` = none. */
export function findBinary(
  env: Readonly<Record<string, string | undefined>> = process.env,
): { readonly path: string } | { readonly path: null; readonly why: string } {
  const asked = env['OSTLER_HOLDER'];
  if (asked === 'sh') return { path: null, why: 'OSTLER_HOLDER=sh' };
  const places = asked === undefined ? [built, packaged()] : [asked];
  let why = `${holderPackage} is not installed`;
  for (const path of places) {
    if (path === null) continue;
    try {
      accessSync(path, constants.X_OK);
      return { path };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || asked !== undefined) why = `${path} cannot be executed`;
    }
  }
  return { path: null, why };
}
