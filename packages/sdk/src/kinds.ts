import type { ZodType } from 'zod';
import type { Call, RuntimeDriver } from './runtime.ts';

type Nothing = Readonly<Record<string, never>>;

/**
 * What a plugin can bring. `declare`: inert, enough for `schema`, `check` and docs without running the plugin. `give`: what `setup()` must
 * return for each declared name.
 */
export interface Kinds {
  // biome-ignore lint/suspicious/noExplicitAny: options differ from driver to driver; definePlugin ties them to the declared schema
  runtimes: { declare: { readonly class: 'container' | 'process' | 'cluster'; readonly options: ZodType }; give: RuntimeDriver<any> };
  /** Name = scheme: `sops://FILE#/pointer`. */
  secrets: { declare: Nothing; give: SecretSource };
  /** `worker.expose.<name>` */
  exposures: { declare: { readonly options: ZodType }; give: Exposure };
  /** `worker.health.<name>` */
  probes: { declare: { readonly options: ZodType }; give: Probe };
  alerts: { declare: { readonly options: ZodType }; give: AlertChannel };
  /** `worker.files` and the host file itself. */
  renderers: { declare: { readonly options: ZodType }; give: FileRenderer };
  /** Where the synced tree comes from. */
  sources: { declare: { readonly options: ZodType }; give: TreeSource };
  identities: { declare: Nothing; give: IdentityProvider };
  /** Values for `vars`, a state for `dependsOn: { tailscale: running }`. */
  facts: { declare: Nothing; give: FactSource };
}

/** Every kind's name, for a check at run time. */
export const kindNames = [
  'runtimes',
  'secrets',
  'exposures',
  'probes',
  'alerts',
  'renderers',
  'sources',
  'identities',
  'facts',
] as const satisfies readonly (keyof Kinds)[];

export interface SecretSource {
  /** Needs no key. */
  list(path: string, call: Call): Promise<readonly { readonly ref: string; readonly recipients: readonly string[] }[]>;
  /** Yields the refs that may have changed. */
  watch?(signal: AbortSignal): AsyncIterable<readonly string[]>;
  /**
   * All or nothing. Fails with a SecretFailure (`missing | not-encrypted | no-key | tampered | unavailable`), naming file, key path and the
   * recipients that would do; never a part of the answer. Core versions values by keyed HMAC, never by a bare hash.
   */
  reveal(refs: readonly string[], call: Call): Promise<ReadonlyMap<string, Uint8Array>>;
}

export interface Exposure {
  /** Idempotent by `key`. */
  expose(
    key: string,
    want: { readonly worker: string; readonly address: string; readonly options: unknown },
    call: Call,
  ): Promise<{ readonly url: string | null }>;
  withdraw(key: string, call: Call): Promise<void>;
  /** Keys that are ours; foreign entries are never touched. */
  owned(call: Call): Promise<readonly string[]>;
}

export interface Probe {
  ask(
    endpoint: { readonly address: string; readonly port: number },
    options: unknown,
    call: Call,
  ): Promise<{ readonly ok: boolean; readonly evidence: string }>;
}

export interface AlertChannel {
  /** Core suppresses repeats. */
  send(
    alert: {
      readonly id: string;
      readonly severity: 'info' | 'warning' | 'critical';
      readonly title: string;
      readonly text: string;
      readonly options: unknown;
    },
    call: Call,
  ): Promise<void>;
}

export interface FileRenderer {
  plan(options: unknown, call: Call): Promise<readonly { readonly path: string; readonly change: 'add' | 'modify' | 'delete'; readonly drift: boolean }[]>;
  apply(options: unknown, call: Call): Promise<readonly string[]>;
}

export interface TreeSource {
  fetch(options: unknown, into: string, call: Call): Promise<{ readonly revision: string; readonly verifiedBy: string | null }>;
  report?(revision: string, outcome: string, call: Call): Promise<void>;
}

export interface IdentityProvider {
  who(
    peer: {
      readonly address: string;
      readonly port: number;
      readonly listener: 'unix' | 'tcp';
      readonly headers: Readonly<Record<string, string>>;
    },
    call: Call,
  ): Promise<{ readonly subject: string; readonly tags: readonly string[] } | null>;
}

export interface FactSource {
  read(call: Call): Promise<{ readonly state: string; readonly values: Readonly<Record<string, string>> }>;
  watch?(signal: AbortSignal): AsyncIterable<void>;
}
