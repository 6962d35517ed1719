import { type Exit, type Hint, type InstanceRef, type Json, type Listed, type Notified, type Observed, runtimeFailure } from '@ostler/sdk';
import type { FakeClock } from './fake-clock.ts';
import { nothingSaid, withMessage } from './said.ts';
import type { Script } from './script.ts';

export interface FakeInstance {
  readonly ref: InstanceRef;
  readonly script: Script;
  readonly startedAt: string;
  is: Listed['is'];
  exit: Exit | null;
  readonly lines: string[];
  /** By sd_notify(3); `null` = nobody listens for it. */
  said: Notified | null;
  /** What the engine says of it by a check of its own; absent: nothing. */
  health?: Health | undefined;
  lastCheck?: LastCheck | undefined;
}

type Running = Observed & { readonly is: 'running' };
type Health = Running['health'];
type LastCheck = Running['lastCheck'];

/** What really is, whatever the driver says of it. */
export class World {
  readonly #clock: FakeClock;
  readonly #scripts = new Map<string, readonly Script[]>();
  readonly #instances = new Map<string, FakeInstance>();
  readonly #watchers = new Set<(hint: Hint) => void>();
  readonly #hidden = new Set<string>();
  #thaw: (() => void)[] | null = null;
  /** Name of the engine's store. */
  engine = 'engine-1';
  /** Events are lost: watchers hear nothing. */
  isDeaf = false;
  /** list() and inspect() fail: `engine-down`. */
  isDown = false;
  /** Each run that began, in order; a twin shows here as a second entry of one ref. */
  readonly starts: { readonly ref: InstanceRef; readonly atMs: number }[] = [];
  /** Each call that reached the engine, in order. */
  readonly calls: { readonly method: string; readonly worker: string | null; readonly instance: string | null }[] = [];

  constructor(clock: FakeClock, scripts: Readonly<Record<string, Script | readonly Script[]>>) {
    this.#clock = clock;
    for (const [worker, script] of Object.entries(scripts)) this.script(worker, script);
  }

  /** For the next starts of this worker: one for all, or a list whose last one stays. */
  script(worker: string, script: Script | readonly Script[]): void {
    this.#scripts.set(worker, Array.isArray(script) ? (script as readonly Script[]) : [script as Script]);
  }

  /** The script of the coming start, not taken. */
  nextScript(worker: string): Script {
    return this.#scripts.get(worker)?.[0] ?? {};
  }

  /** The script of the coming start; each start takes one. */
  takeScript(worker: string): Script {
    const [first = {}, ...rest] = this.#scripts.get(worker) ?? [];
    if (rest.length > 0) this.#scripts.set(worker, rest);
    return first;
  }

  instances(): readonly FakeInstance[] {
    return [...this.#instances.values()];
  }

  find(ref: InstanceRef): FakeInstance | undefined {
    return this.#instances.get(key(ref));
  }

  /** What list() shows: all but the hidden. */
  listed(agent: string): readonly FakeInstance[] {
    return this.instances().filter((one) => one.ref.agent === agent && !this.#hidden.has(one.ref.worker));
  }

  /** Refs of this worker's running instances. More than one is a twin. */
  live(worker: string): readonly InstanceRef[] {
    return this.instances().flatMap((one) => (one.ref.worker === worker && one.is === 'running' ? [one.ref] : []));
  }

  /** `isHeard`: somebody listens to what it says by sd_notify(3). */
  begin(ref: InstanceRef, script: Script, isHeard = false): FakeInstance {
    this.starts.push({ ref, atMs: this.#clock.nowMs() });
    const said = isHeard ? nothingSaid : null;
    const made: FakeInstance = {
      ref,
      script,
      startedAt: this.#clock.isoNow(),
      is: 'running',
      exit: null,
      lines: [...(script.lines ?? [])],
      said,
      health: script.health,
    };
    this.#instances.set(key(ref), made);
    const { exit, says = [] } = script;
    for (const { afterMs, message } of says) this.#clock.after(afterMs, () => this.say(ref, message));
    if (exit !== undefined) this.#clock.after(exit.afterMs, () => this.end(ref, exit));
    this.#tell({ kind: 'changed', ref });
    return made;
  }

  /** The worker prints: followers hear of it. */
  print(ref: InstanceRef, line: string): void {
    this.find(ref)?.lines.push(line);
    this.#tell({ kind: 'changed', ref });
  }

  /** What the engine says of its health turns. */
  turn(ref: InstanceRef, health: Health, lastCheck?: LastCheck): void {
    const one = this.find(ref);
    if (one !== undefined) Object.assign(one, { health, lastCheck });
    this.#tell({ kind: 'changed', ref });
  }

  /** A message of sd_notify(3), as the worker sends it: kept, whoever asks for it and when. */
  say(ref: InstanceRef, message: string): void {
    const one = this.find(ref);
    if (one?.is === 'running' && one.said !== null) one.said = withMessage(one.said, message, this.#clock.isoNow());
  }

  /** It ends now. Without code and signal: code 0. */
  end(ref: InstanceRef, how: { readonly code?: number; readonly signal?: string; readonly oom?: 'main' | 'inside' } = {}): void {
    const one = this.find(ref);
    if (one === undefined || one.is === 'exited') return;
    const code = how.signal === undefined ? (how.code ?? 0) : null;
    one.is = 'exited';
    one.exit = { code, signal: how.signal ?? null, at: this.#clock.isoNow(), oom: how.oom ?? 'no', evidence: 'engine' };
    this.#tell({ kind: 'changed', ref });
  }

  /** Ends every running instance of the worker. */
  kill(worker: string, how: { readonly code?: number; readonly signal?: string } = { signal: 'SIGKILL' }): void {
    for (const ref of this.live(worker)) this.end(ref, how);
  }

  forget(ref: InstanceRef): void {
    this.#instances.delete(key(ref));
  }

  /** An instance made by nobody's start, as found after a lost store. */
  plant(ref: InstanceRef, is: Listed['is'] = 'running', script: Script = {}): void {
    const lives = is === 'exited' ? 'running' : is;
    this.#instances.set(key(ref), { ref, script, startedAt: this.#clock.isoNow(), is: lives, exit: null, lines: [...(script.lines ?? [])], said: null });
    if (is === 'exited') this.end(ref);
  }

  /** list() leaves this worker out, as a broken engine would. */
  hide(worker: string, isHidden = true): void {
    if (isHidden) this.#hidden.add(worker);
    else this.#hidden.delete(worker);
  }

  /** The data root was replaced: another store, nothing in it. */
  replaceEngine(name: string): void {
    this.engine = name;
    this.#instances.clear();
    this.#tell({ kind: 'gap', why: 'engine replaced' });
  }

  /** No call gets an answer. What is asked meanwhile is carried out at thaw(), also if its caller has gone. */
  freeze(): void {
    this.#thaw ??= [];
  }

  thaw(): void {
    const waiting = this.#thaw ?? [];
    this.#thaw = null;
    for (const go of waiting) go();
  }

  /** Resolves when the engine answers again; at once if it does. */
  whenThawed(): Promise<void> {
    return this.#thaw === null ? Promise.resolve() : new Promise((resolve) => void this.#thaw?.push(resolve));
  }

  assertUp(): void {
    if (!this.isDown) return;
    throw runtimeFailure({ code: 'engine-down', outcome: 'no', retryable: true, message: 'the scripted engine is down; it comes back when the test says so' });
  }

  onHint(hear: (hint: Hint) => void): () => void {
    this.#watchers.add(hear);
    return () => void this.#watchers.delete(hear);
  }

  note(method: string, ref: InstanceRef | null): void {
    this.calls.push({ method, worker: ref?.worker ?? null, instance: ref?.instance ?? null });
  }

  /** Handle of an instance: a cache, as everywhere. */
  static handleData(ref: InstanceRef): Json {
    return { worker: ref.worker, instance: ref.instance };
  }

  #tell(hint: Hint): void {
    if (!this.isDeaf) for (const hear of this.#watchers) hear(hint);
  }
}

const key = (ref: InstanceRef): string => `${ref.agent}/${ref.worker}/${ref.instance}`;
