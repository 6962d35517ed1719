import { fieldsOf } from './protobuf.ts';

/** What a builder says on its way: a text for people, the image that it made, or why it failed. */
export interface BuildEntry {
  /** The classic builder, and Podman's. */
  readonly stream?: string;
  /** Of a base image that is being pulled. */
  readonly status?: string;
  readonly id?: string;
  readonly progress?: string;
  /** BuildKit, with `id: moby.buildkit.trace`: a StatusResponse in base64. */
  readonly aux?: string | { readonly ID?: string };
  readonly error?: string;
  readonly errorDetail?: { readonly message?: string };
}

export const errorOf = ({ error, errorDetail }: BuildEntry): string | null => errorDetail?.message ?? error ?? null;

/** The lines of an entry, for people, each with its end. */
export function textOf({ stream, status, id, progress, aux }: BuildEntry): string {
  if (stream !== undefined) return stream;
  if (id === 'moby.buildkit.trace' && typeof aux === 'string') return traceText(Buffer.from(aux, 'base64'));
  if (status !== undefined) return `${id === undefined ? '' : `${id}: `}${status}${progress === undefined ? '' : ` ${progress}`}\n`;
  return '';
}

/** The names of steps that begin, and what they print: `vertexes = 1 { name = 3, cached = 4, started = 5, completed = 6 }`, `logs = 3 { msg = 4 }` (moby/buildkit, control.proto). */
function traceText(message: Uint8Array): string {
  let text = '';
  for (const { field, bytes } of fieldsOf(message)) {
    const inner = bytes === null ? [] : [...fieldsOf(bytes)];
    const of = (wanted: number): Uint8Array | null => inner.find((one) => one.field === wanted)?.bytes ?? null;
    if (field === 1 && of(5) !== null && of(6) === null) text += `${utf8(of(3))}\n`;
    if (field === 3) text += utf8(of(4));
  }
  return text;
}

const utf8 = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString('utf8');
