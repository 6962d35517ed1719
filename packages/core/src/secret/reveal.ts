import { isRuntimeFailure, isSecretFailure, type SecretSource, type Secrets, secretFailure } from '@ostler/sdk';
import { callWithDeadline } from '../base/call.ts';
import type { CoreClock } from '../base/clock.ts';
import { problem } from '../base/problem.ts';
import type { StuckCalls } from '../base/stuck-calls.ts';
import type { SecretsRule } from '../spec/index.ts';
import { type FileSecret, readFileSecret } from './file-source.ts';

const revealMs = 30_000;

export interface RevealGiven {
  readonly rules: SecretsRule;
  /** Folder of the host file. */
  readonly baseDir: string;
  /** By scheme; `file` is core's own. */
  readonly sources: ReadonlyMap<string, SecretSource>;
  /** Keyed: a bare hash would let anybody try out short secrets. */
  hmac(bytes: Uint8Array): string;
  readonly clock: CoreClock;
  readonly stuck: StuckCalls;
  readonly signal: AbortSignal;
}

export interface Revealed {
  readonly secrets: Secrets;
  /** Keyed HMAC of each value, by reference. */
  readonly versions: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
}

/** All values that one worker needs, or a problem `secret-unavailable` that names the reference and the reason, never a value. Nothing partial. */
export async function revealSecrets(given: RevealGiven): Promise<Revealed> {
  const { rules, hmac } = given;
  const refs = [...new Set([...rules.files.map(({ ref }) => ref), ...Object.values(rules.env)])];
  if (refs.length === 0) return { secrets: { files: [], env: {} }, versions: {}, warnings: [] };
  try {
    const { values, warnings } = await revealAll(refs, given);
    const valueAt = (ref: string): Uint8Array => {
      const value = values.get(ref);
      if (value === undefined) throw new Error(`${ref}: its source answered without it`);
      return value;
    };
    return {
      secrets: {
        files: rules.files.map(({ name, ref, mode, uid }) => ({ name, bytes: valueAt(ref), mode, ...(uid === null ? {} : { uid }) })),
        env: Object.fromEntries(Object.entries(rules.env).map(([name, ref]) => [name, asText(ref, valueAt(ref))])),
      },
      versions: Object.fromEntries(refs.map((ref) => [ref, hmac(valueAt(ref))])),
      warnings,
    };
  } catch (error) {
    if (given.signal.aborted && isRuntimeFailure(error)) throw error;
    const code = isSecretFailure(error) ? ` (${error.code})` : '';
    throw problem({ code: 'secret-unavailable', message: `${error instanceof Error ? error.message : String(error)}${code}` }, error);
  }
}

async function revealAll(refs: readonly string[], { baseDir, sources, clock, stuck, signal }: RevealGiven) {
  const values = new Map<string, Uint8Array>();
  const warnings: string[] = [];
  const bySource = Map.groupBy(refs, (ref) => ref.slice(0, ref.indexOf(':')));
  for (const [scheme, own] of bySource) {
    const limits = { name: `reading ${scheme}: secrets`, ms: revealMs, clock, stuck, isMutating: false, signal };
    if (scheme === 'file') {
      const read = () => Promise.all(own.map(async (ref): Promise<[string, FileSecret]> => [ref, await readFileSecret(ref, baseDir)]));
      const files = await callWithDeadline(limits, read).catch((error) => refuse(own, error));
      for (const [ref, file] of files) {
        values.set(ref, file.bytes);
        warnings.push(...file.warnings);
      }
      continue;
    }
    const source = sources.get(scheme);
    if (source === undefined) throw new Error(`${own[0]}: no plugin that works reads ${scheme}: secrets`);
    const found = await callWithDeadline(limits, (call) => source.reveal(own, call)).catch((error) => refuse(own, error));
    // Only what was asked for: an answer must not stand in for another source's value.
    for (const ref of own) {
      const value: unknown = found instanceof Map ? found.get(ref) : undefined;
      if (value instanceof Uint8Array) values.set(ref, value);
      else if (value !== undefined) throw new Error(`${ref}: its source answered with something that is no bytes`);
    }
  }
  return { values, warnings };
}

/** Passes a failure on so that it names what was to be read, whoever worded it. */
function refuse(refs: readonly string[], error: unknown): never {
  const said = error instanceof Error ? error.message : String(error);
  if (isSecretFailure(error)) throw said.includes(error.ref) ? error : secretFailure({ code: error.code, ref: error.ref, message: `${error.ref}: ${said}` });
  if (isRuntimeFailure(error) && error.code === 'aborted') throw error;
  throw new Error(refs.some((ref) => said.includes(ref)) ? said : `${refs.join(', ')}: ${said}`, { cause: error });
}

/** One newline at the end of a file is the editor's, not the secret's. */
function asText(ref: string, bytes: Uint8Array): string {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    if (ref.startsWith('file:')) text = text.replace(/\r?\n$/, '');
  } catch {
    throw new Error(`${ref}: its value is no UTF-8 text, so it cannot be an environment variable: deliver it as a file`);
  }
  if (text.includes('\0')) throw new Error(`${ref}: its value holds a NUL, so it cannot be an environment variable: deliver it as a file`);
  return text;
}
