import { problem } from '../../src/base/problem.ts';
import type { HostConfig } from '../../src/config/index.ts';
import { map } from '../../src/config/node.ts';
import { noPolicy } from '../../src/spec/index.ts';
import type { Declared } from './host.ts';

const other = (runtime: Declared['written']['runtime']) => (runtime === 'docker' ? 'native' : runtime === 'native' ? 'docker' : runtime);
const nowhere = { file: '/host/ostler.yaml', line: 1, column: 1 };

/** The host file of a story, as it would be read at this moment. */
export class HostFile {
  /** Grows with each edit. */
  version = 0;
  readonly apply: 'manual' | 'auto';
  /** How often its images were made, and the value of its secret was set: neither stands in it, and both change what applying it comes to. */
  image = 1;
  secret = 1;
  /** The secret cannot be read. */
  isSecretLost = false;
  /** A worker was moved to the other runtime; or none may be, for who knows nothing would start it there beside the one that it cannot see. */
  hasMoved = false;
  mayMove = true;
  readonly #workers: Map<string, Declared>;
  readonly #original: ReadonlyMap<string, Declared>;
  readonly #edits = new Map<string, number>();

  constructor(workers: readonly Declared[], apply: 'manual' | 'auto') {
    this.apply = apply;
    this.#original = new Map(workers.map((one) => [one.name, one]));
    this.#workers = new Map(this.#original);
  }

  has(name: string): boolean {
    return this.#workers.has(name);
  }

  mayRunOn(name: string, runtime: string): boolean {
    return [this.#workers.get(name)?.written.runtime].flat().includes(runtime);
  }

  names(): readonly string[] {
    return [...this.#workers.keys()];
  }

  put(declared: Declared): void {
    this.version += 1;
    this.#workers.set(declared.name, declared);
  }

  /** Another value in its environment; now and then it depends on nobody, runs on the other runtime, or is of another kind. */
  edit(name: string): void {
    const { written } = this.#original.get(name)!;
    const edit = (this.#edits.get(name) ?? 0) + 1;
    this.#edits.set(name, edit);
    const { schedule, ...unscheduled } = written as { readonly schedule?: unknown };
    // Of what was due now and then a service is made, which nobody waits for.
    const own = edit % 4 === 3 && schedule !== undefined ? unscheduled : written;
    const dependsOn = edit % 3 === 2 ? {} : written.dependsOn;
    const isMoved = edit % 4 === 1 && this.mayMove && this.#isAlone(name);
    this.hasMoved ||= isMoved;
    const runtime = isMoved ? other(written.runtime) : written.runtime;
    this.put({ name, written: { ...(own as object), dependsOn, runtime, env: { EDIT: String(edit) } } as unknown as Declared['written'] });
  }

  /** It neither shares the network of another nor has others in its own. */
  #isAlone(name: string): boolean {
    const shared = [...this.#original.values()].map(({ written }) => written.networkMode);
    return this.#original.get(name)!.written.networkMode === undefined && !shared.includes(`worker:${name}`);
  }

  makeImages(): void {
    this.version += 1;
    this.image += 1;
  }

  setSecret(): void {
    this.version += 1;
    this.secret += 1;
  }

  /** As an agent is told. */
  secretVersions(): Readonly<Record<string, string>> {
    if (this.isSecretLost) throw problem({ code: 'secret-unavailable', message: 'it cannot be read' });
    return { TOKEN: String(this.secret) };
  }

  remove(name: string): void {
    this.version += 1;
    this.#workers.delete(name);
  }

  read(): HostConfig {
    const workers = Object.fromEntries([...this.#workers].map(([name, { written }]) => [name, { written, place: () => nowhere }]));
    return {
      ...{
        path: nowhere.file,
        baseDir: '/host',
        host: 'host',
        files: [],
        plugins: [],
        agent: { apply: this.apply },
        policy: noPolicy,
        workers,
        left: {},
        volumes: {},
        networks: {},
      },
      ...{ root: map(new Map(), nowhere), warnings: [] },
    } as unknown as HostConfig;
  }
}
