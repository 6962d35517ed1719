import { readFile, stat } from 'node:fs/promises';
import type { CoreClock } from './base/clock.ts';
import { isProblem, type Problem } from './base/problem.ts';
import { checkWorkers, type HostConfig, type PluginUse, type ReadHostFile, readHostFile } from './config/index.ts';
import type { PluginSet } from './plugin/index.ts';
import type { Applied } from './supervise/index.ts';

const lookEveryMs = 2000;

type Texts = ReadonlyMap<string, Buffer>;
/** What depends on nothing but its text; a program may say something else each time. */
const isData = (file: string): boolean => !/\.[cm]?[jt]s$/i.test(file);

/** `null`: one of them cannot be read, or there is more to it than its text. */
async function textsOf(files: readonly string[]): Promise<Texts | null> {
  if (files.length === 0 || !files.every(isData)) return null;
  try {
    const found = await Promise.all(files.map((file) => stat(file)));
    // A FIFO waits for ever, and what is too large is refused by who reads it.
    if (!found.every((one) => one.isFile() && one.size <= 1_048_576)) return null;
    return new Map(await Promise.all(files.map(async (file) => [file, await readFile(file)] as const)));
  } catch {
    return null;
  }
}

const isSame = (a: Texts, b: Texts): boolean => a.size === b.size && [...a].every(([file, text]) => b.get(file)?.equals(text) === true);

export interface HostFileGiven {
  readonly hostFile: string;
  readonly profiles: readonly string[];
  readonly host?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The host file of an agent: read anew whenever it is asked for, with the plugins that were loaded at the start. */
export class HostFile {
  readonly #given: HostFileGiven;
  readonly #load: (uses: readonly PluginUse[]) => Promise<PluginSet>;
  #plugins: PluginSet | null = null;
  /** What was read to find the plugins, not checked further yet. */
  #begun: Promise<ReadHostFile> | null = null;
  #uses: readonly PluginUse[] = [];
  #files: readonly string[];
  /** As it was read last, while its files stay as they were. */
  #last: { readonly texts: Texts; readonly config: HostConfig } | null = null;
  /** Why it could not be used the last time. */
  problem: Problem | null = null;

  constructor(given: HostFileGiven, load: (uses: readonly PluginUse[]) => Promise<PluginSet>) {
    this.#given = given;
    this.#load = load;
    this.#files = [given.hostFile];
  }

  /** Begins to read the file beside whatever else an agent does first. What is wrong with it is told by `loadPlugins`. */
  begin(): void {
    this.#begun = readHostFile(this.#read(this.#given.hostFile));
    this.#begun.catch(() => {});
  }

  /**
   * The plugins that the file names. `canDoWithout`: if the file cannot be read, those that were named when it was applied last; if these cannot be
   * loaded either, those that come with ostler: their workers must not be nobody's because of somebody else's plugin.
   */
  async loadPlugins(canDoWithout: boolean, applied: Applied | null): Promise<PluginSet> {
    const place = { file: this.#given.hostFile, line: 1, column: 1 };
    const before = (applied?.plugins ?? []).map((use) => ({ ...use, place }));
    const tries: readonly (() => Promise<readonly PluginUse[]>)[] = [
      async () => {
        this.#begun ??= readHostFile(this.#read(this.#given.hostFile));
        return (await this.#begun).plugins;
      },
      async () => before,
      async () => [],
    ];
    for (const [index, uses] of tries.entries()) {
      try {
        this.#uses = await uses();
        this.#plugins = await this.#load(this.#uses);
        return this.#plugins;
      } catch (error) {
        if (!canDoWithout || !isProblem(error) || index === tries.length - 1) throw error;
        this.problem ??= error;
      }
    }
    throw new Error('no plugins at all');
  }

  /** Rejects with a problem; what is applied is not touched by it. */
  async read(path: string = this.#given.hostFile): Promise<HostConfig> {
    const plugins = this.#plugins;
    if (plugins === null) throw new Error('the plugins are loaded first');
    try {
      const begun = path === this.#given.hostFile ? this.#begun : null;
      this.#begun = null;
      const before = await textsOf(path === this.#given.hostFile ? this.#files : []);
      if (this.#last !== null && before !== null && isSame(before, this.#last.texts)) {
        this.problem = null;
        return this.#last.config;
      }
      const read = await (begun ?? readHostFile(this.#read(path)));
      const config = await checkWorkers(read, plugins.registry, { profiles: this.#given.profiles });
      if (path !== this.#given.hostFile) return config;
      this.#files = config.files;
      this.problem = null;
      const isNew =
        JSON.stringify(config.plugins.map(({ use, config: own }) => [use, own])) !== JSON.stringify(this.#uses.map(({ use, config: own }) => [use, own]));
      const known = isNew
        ? { ...config, warnings: [...config.warnings, 'the plugins of the host file have changed: they take effect when the agent is started again'] }
        : config;
      // Only what stood there before and after the reading is what was read.
      const after = begun === null ? await textsOf(config.files) : null;
      this.#last = before !== null && after !== null && isSame(before, after) ? { texts: after, config: known } : null;
      return known;
    } catch (error) {
      if (isProblem(error) && path === this.#given.hostFile) this.problem = error;
      throw error;
    }
  }

  /** Calls when one of the files has changed, at most every two seconds. Returns what ends it. */
  watch(clock: CoreClock, onChange: () => void): () => void {
    let cancel = (): void => {};
    let isOver = false;
    const mark = async (): Promise<string> =>
      (
        await Promise.all(
          this.#files.map((file) =>
            stat(file).then(
              ({ mtimeMs, size, ino }) => `${mtimeMs} ${size} ${ino}`,
              () => 'none',
            ),
          ),
        )
      ).join('\n');
    let seen: Promise<string> = mark();
    const look = async (): Promise<void> => {
      const [before, now] = [await seen, await mark()];
      seen = Promise.resolve(now);
      if (isOver) return;
      if (before !== now) onChange();
      cancel = clock.after(lookEveryMs, () => void look());
    };
    cancel = clock.after(lookEveryMs, () => void look());
    return () => {
      isOver = true;
      cancel();
    };
  }

  #read(path: string) {
    const { host, env } = this.#given;
    return { path, env, ...(host === undefined ? {} : { host }) };
  }
}
