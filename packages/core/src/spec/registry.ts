import type { ZodType } from 'zod';

export type RuntimeClass = 'container' | 'process' | 'cluster';
export interface RuntimeEntry {
  readonly class: RuntimeClass;
  /** The worker's block of the runtime's name. */
  readonly options: ZodType;
}
interface WithOptions {
  readonly options: ZodType;
}

/** What the loaded plugins bring, as far as a host file can speak of it. */
export interface Registry {
  readonly runtimes: ReadonlyMap<string, RuntimeEntry>;
  readonly probes?: ReadonlyMap<string, WithOptions> | undefined;
  readonly exposures?: ReadonlyMap<string, WithOptions> | undefined;
  readonly alerts?: ReadonlyMap<string, WithOptions> | undefined;
  /** Names that `dependsOn` may use beside workers: `tailscale`. */
  readonly facts?: ReadonlySet<string> | undefined;
  /** Schemes of secret references beside `file`. Absent = not known here, so not checked. */
  readonly secrets?: ReadonlySet<string> | undefined;
}

export const emptyRegistry: Registry = { runtimes: new Map() };

/** Runtimes of packages that are known by name, so that an error can say what to install. */
export const knownPackages: Readonly<Record<string, string>> = {
  native: '@ostler/runtime-native',
  docker: '@ostler/runtime-docker',
  podman: '@ostler/runtime-docker',
  metal: '@ostler/runtime-metal',
};

/** The names of an object schema's fields; null if it is not one, or takes any key. Works for schemas of another copy of zod. */
export function fieldNames(schema: ZodType): readonly string[] | null {
  let here = schema as unknown as {
    _zod?: { def?: { type?: string; shape?: object; in?: unknown; innerType?: unknown; catchall?: { _zod?: { def?: { type?: string } } } } };
  };
  for (let depth = 0; depth < 10; depth += 1) {
    const def = here?._zod?.def;
    if (!def) return null;
    if (def.type === 'object' && def.shape) {
      const rest = def.catchall?._zod?.def?.type;
      return rest === undefined || rest === 'never' ? Object.keys(def.shape) : null;
    }
    here = (def.in ?? def.innerType) as typeof here;
  }
  return null;
}
