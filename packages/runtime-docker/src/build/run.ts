import { type Call, failureData, isRuntimeFailure, runtimeFailure } from '@ostler/sdk';
import type { Connection } from '../engine/connection.ts';
import { readNdjson } from '../engine/ndjson.ts';
import { abortFailure, answerFailure, lossFailure } from '../errors.ts';
import type { Flavour } from '../flavour.ts';
import { withHeartbeat } from './heartbeat.ts';
import { type BuildEntry, errorOf, textOf } from './progress.ts';
import { baseArg, type Recipe } from './recipe.ts';
import { openSession, type Session } from './session.ts';
import { type ExtraFile, tarOf } from './tar.ts';

export interface BuildGiven {
  readonly engine: Connection;
  readonly flavour: Flavour;
  /** Whether the engine builds with it; {@link hasBuildKit} tells. */
  readonly isBuildKit: boolean;
  readonly recipe: Recipe;
  /** The name that the image gets. */
  readonly tag: string;
  readonly labels: Readonly<Record<string, string>>;
  /** What it stands on, by a name that the engine knows; `null` = nothing of the host file. */
  readonly base: string | null;
}

/** A Dockerfile from outside of the context goes along under this name. */
const outsideName = '.ostler.dockerfile';
const lastLines = 20;
const mostTextBytes = 1500;

/** What a build that failed has left: an image without a name that nothing but the next try has a use for; `null` = nothing, or not known. */
export class LeftImage {
  id: string | null = null;
}

/**
 * Builds one image by `POST /build`: with BuildKit where the engine is Docker's, by Podman's own builder there. Throws `build-failed` with the last lines that
 * were printed; nothing has the name then.
 */
export async function runBuild(given: BuildGiven, left: LeftImage, call: Call): Promise<void> {
  const { engine, flavour, isBuildKit, recipe, tag, labels, base } = given;
  const { name, build, dockerfile } = recipe;
  const what = `build the image ${name}`;
  const asked = { what, isMutating: false };
  const lines = new LastLines(call);
  let broken: unknown = null;
  const upload = watched(tarOf(build.context, recipe.entries, extrasOf(recipe, isBuildKit), call), (error) => {
    broken = error;
  });
  const session = isBuildKit ? await sessionOf(engine, call) : null;
  const ping = (signal: AbortSignal) => engine.json({ path: '/_ping', what: 'reach the engine', signal });
  try {
    const network = await networkOf(engine, flavour, call);
    await withHeartbeat(ping, call, async (heard) => {
      const stream = await engine.stream({
        method: 'POST',
        path: '/build',
        query: {
          t: tag,
          dockerfile: dockerfile.path ?? outsideName,
          target: recipe.target ?? undefined,
          buildargs: JSON.stringify({ ...build.args, ...(base === null ? {} : { [baseArg]: base }) }),
          labels: JSON.stringify(labels),
          rm: true,
          forcerm: true,
          version: isBuildKit ? 2 : undefined,
          session: session?.id,
          networkmode: network ?? undefined,
        },
        upload,
        what,
        signal: call.signal,
      });
      for await (const entry of readNdjson<BuildEntry>(stream)) {
        heard();
        lines.add(textOf(entry));
        const failed = errorOf(entry);
        if (failed !== null) throw failure(name, failed, lines);
        left.id = leftBy(entry) ?? left.id;
      }
    });
    left.id = null;
  } catch (error) {
    if (call.signal.aborted) throw abortFailure(asked, true);
    throw broken ?? failureOf(error, name, lines, () => lossFailure(error as NodeJS.ErrnoException, asked, engine.endpoint));
  } finally {
    session?.close();
  }
}

function failureOf(error: unknown, name: string, lines: LastLines, lost: () => Error): unknown {
  if (!isRuntimeFailure(error)) return (error as NodeJS.ErrnoException).code === undefined ? error : lost();
  const said = /^HTTP \d+: ([\s\S]*)$/.exec(error.cause ?? '')?.[1];
  if (said !== undefined && (error.code === 'invalid' || error.code === 'internal')) return failure(name, said, lines);
  // Nothing has the name before a build has succeeded.
  return runtimeFailure({ ...failureData(error), outcome: 'no' });
}

/** `null`: the engine, or a proxy before it, gives none. What needs no login is built all the same. */
async function sessionOf(engine: Connection, call: Call): Promise<Session | null> {
  try {
    return await openSession(engine, call);
  } catch (error) {
    if (isRuntimeFailure(error) && ['unauthorized', 'not-found', 'invalid', 'unsupported'].includes(error.code)) return null;
    throw error;
  }
}

/** Docker has it for Linux from 19.03 on; engines of Windows have the classic builder alone, and Podman has its own. */
export async function hasBuildKit(engine: Connection, flavour: Flavour, call: Call): Promise<boolean> {
  if (flavour === 'podman') return false;
  const { value } = await engine.json<{ readonly Os?: string }>({ path: '/version', what: 'ask the engine for its version', signal: call.signal });
  return value.Os !== 'windows';
}

/** An engine without its default bridge gives builds no network by itself; `null` = its own is fine. */
async function networkOf(engine: Connection, flavour: Flavour, call: Call): Promise<'host' | null> {
  if (flavour === 'podman') return null;
  const { status } = await engine.json({ path: '/networks/bridge', what: 'look for the engine’s bridge', accepts: [404], signal: call.signal });
  return status === 404 ? 'host' : null;
}

/**
 * What is sent beside the context: the Dockerfile where the context does not have it. Builders other than BuildKit read a `.dockerignore` of the context again,
 * so they get the one that it was read by, which keeps the Dockerfile out of the image too.
 */
function extrasOf({ dockerfile, ignore, entries }: Recipe, isBuildKit: boolean): readonly ExtraFile[] {
  const { path, text } = dockerfile;
  const isThere = path !== null && entries.some((entry) => entry.path === path);
  const own = isThere ? [] : [{ path: path ?? outsideName, text }];
  if (isBuildKit || (ignore === null && path !== null)) return own;
  const more = path === null ? [outsideName, ...(ignore === null ? ['.dockerignore'] : [])] : [];
  return [...own, { path: '.dockerignore', text: [ignore ?? '', ...more].join('\n') }];
}

/** The same, telling what it broke with: the request that it is sent by says only that it broke. */
async function* watched(source: AsyncGenerator<Buffer>, onError: (error: unknown) => void): AsyncGenerator<Buffer> {
  try {
    yield* source;
  } catch (error) {
    onError(error);
    throw error;
  }
}

/** ` ---> 0123456789ab` of the classic builder, `--> 0123456789ab` of Podman. */
function leftBy({ stream = '' }: BuildEntry): string | null {
  return /^\s*-{2,3}> ([0-9a-f]{11,64})\s*$/m.exec(stream)?.[1] ?? null;
}

function failure(name: string, said: string, lines: LastLines): Error {
  const message = said.trim();
  // A command's own words, which may say anything, are no sign of the engine's trouble.
  const isCommand = /did not complete successfully|returned a non-zero code|executor failed|error building at step|exit status/i.test(message);
  const known = isCommand ? null : answerFailure(500, message, { what: `build the image ${name}`, isMutating: false });
  const code = known !== null && ['no-space', 'unauthorized'].includes(known.code) ? known.code : 'build-failed';
  return runtimeFailure({
    code,
    outcome: 'no',
    retryable: true,
    message: code === 'build-failed' ? `the build of the image ${name} failed: ${cut(message)}` : (known?.message ?? message),
    cause: lines.text(),
  });
}

const cut = (text: string): string => (text.length > 500 ? `${text.slice(0, 499)}…` : text);

/** The end of what a build prints; all of it goes to core as it comes. */
class LastLines {
  readonly #call: Call;
  #text = '';

  constructor(call: Call) {
    this.#call = call;
  }

  add(text: string): void {
    if (text === '') {
      this.#call.progress('building');
      return;
    }
    this.#call.output(Buffer.from(text));
    this.#text = (this.#text + text).slice(-4 * mostTextBytes);
  }

  text(): string {
    const lines = this.#text
      .replaceAll(/\u001b\[[0-9;]*[A-Za-z]/g, '')
      .split(/\r?\n|\r/)
      .filter((line) => line.trim() !== '')
      .slice(-lastLines)
      .join('\n');
    return lines.length > mostTextBytes ? `… ${lines.slice(-mostTextBytes)}` : lines;
  }
}
