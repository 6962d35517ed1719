import { engineNames, type Flavour } from '../flavour.ts';
import type { EngineVersion } from './json.ts';

/** The first versions whose API has all that is asked of it here: 1.41 came with Docker 20.10; before 4.0 Podman gave out another one as its own. */
const oldest: Readonly<Record<Flavour, { readonly version: string; readonly api: string }>> = {
  docker: { version: '20.10', api: '1.41' },
  podman: { version: '4.0', api: '1.40' },
};

/** Why an engine is too old to be used, as a sentence; `null` = it is not, or does not say how old it is. `version`: as it calls itself. */
export function tooOld({ ApiVersion }: EngineVersion, version: string, flavour: Flavour): string | null {
  const least = oldest[flavour];
  const isOld = isBefore(version, least.version) || (ApiVersion !== undefined && isBefore(ApiVersion, least.api));
  if (!isOld) return null;
  const api = ApiVersion === undefined ? '' : ` with API ${ApiVersion}`;
  return `${engineNames[flavour]} ${version}${api} is too old: ostler needs ${least.version} with API ${least.api}, or newer`;
}

/** By major and minor; what is no version is no older than any. */
function isBefore(text: string, least: string): boolean {
  const [[major, minor], [leastMajor, leastMinor]] = [numbersOf(text), numbersOf(least)];
  return major < leastMajor || (major === leastMajor && minor < leastMinor);
}

function numbersOf(text: string): readonly [number, number] {
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(text) ?? [];
  return major === undefined ? [Number.POSITIVE_INFINITY, 0] : [Number(major), Number(minor)];
}
