import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { getSystemErrorName } from 'node:util';
import { lifeOf, ownIdentity, parseIdentity } from '../../identity/identity.ts';
import { type Reply, ReplyReader } from './reply.ts';

/** The launcher has ended: what was asked of it may have been done. */
export class LauncherGone extends Error {}

interface Waiting {
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

const goneBy = (code: number | null, signal: string | null): LauncherGone => new LauncherGone(`the launcher ended with ${signal ?? `code ${code}`}`);

/**
 * The process that forks a holder for each worker: started once, told over a pipe, and gone with the agent, whose end closes that pipe. It has a lock
 * file, named after this process, which a start that is on its way to its directory has too: the launcher of a next agent waits for the locks of
 * those that are dead, so that nothing appears after it has listed.
 */
export class Launcher {
  readonly #child: ChildProcess;
  readonly #lock: string;
  readonly #waiting = new Map<number, Waiting>();
  readonly #gone: Promise<void>;
  #seq = 0;
  #failure: Error | null = null;
  #isClosing = false;
  /** Index of the cgroup that it could enter. */
  cgroup: number | null = null;

  private constructor(binary: string, lock: string, waitFor: readonly string[], cgroups: readonly string[]) {
    this.#lock = lock;
    this.#child = spawn(binary, ['launch', lock, String(waitFor.length), ...waitFor, ...cgroups], {
      cwd: '/',
      detached: true,
      env: {},
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const reader = new ReplyReader();
    this.#gone = new Promise((resolve) => {
      const end = (error: Error) => {
        this.#failure ??= error;
        for (const { reject } of this.#waiting.values()) reject(this.#failure);
        this.#waiting.clear();
        resolve();
      };
      this.#child.on('error', end);
      // Nothing more is asked of it, though its last answers may still be in the pipe.
      this.#child.on('exit', (code, signal) => {
        this.#failure ??= goneBy(code, signal);
      });
      this.#child.on('close', (code, signal) => end(goneBy(code, signal)));
    });
    this.#output.on('data', (bytes: Buffer) => {
      try {
        for (const reply of reader.push(bytes)) this.#take(reply);
      } catch (error) {
        this.#failure = error as Error;
        this.#child.kill('SIGKILL');
      }
    });
    this.#input.on('error', () => {});
    this.#rest();
  }

  /** `state`: whose starts are waited for. `cgroups`: the first that it can enter becomes its own and its holders'. Rejects when it cannot be run. */
  static async open(binary: string, state: string, cgroups: readonly string[]): Promise<Launcher> {
    const folder = join(state, 'launchers');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const own = ownIdentity();
    const dead = readdirSync(folder).filter((name) => {
      const identity = parseIdentity(name.split('_').slice(0, 3).join(' '));
      return identity === null || lifeOf(identity) !== 'alive';
    });
    const waitFor = dead.map((name) => join(folder, name));
    const launcher = new Launcher(binary, join(folder, `${own.pid}_${own.start}_${own.boot}_${randomUUID().slice(0, 8)}`), waitFor, cgroups);
    const hello = await launcher.#await(0);
    if (hello.error !== 0) {
      await launcher.#gone;
      throw new Error(`its lock in ${folder} cannot be had (${getSystemErrorName(-hello.error)})`);
    }
    launcher.cgroup = hello.pid > 0 ? hello.pid - 1 : null;
    for (const path of waitFor) rmSync(path, { force: true });
    return launcher;
  }

  get isGone(): boolean {
    return this.#failure !== null;
  }

  /** Rejects with {@link LauncherGone} when nobody can say what became of it. */
  ask(record: (seq: number) => Buffer): Promise<Reply> {
    this.#seq += 1;
    const reply = this.#await(this.#seq);
    this.tell(record(this.#seq));
    return reply;
  }

  tell(record: Buffer): void {
    // Those of one turn of the loop go in one write.
    if (this.#input.writableCorked === 0) {
      this.#input.cork();
      process.nextTick(() => this.#input.uncork());
    }
    this.#input.write(record);
  }

  /** Its holders live on. */
  async close(): Promise<void> {
    this.#stay();
    this.#isClosing = true;
    this.#input.end();
    await this.#gone;
    rmSync(this.#lock, { force: true });
  }

  get #input(): Writable {
    return this.#child.stdin as Writable;
  }

  get #output(): Readable {
    return this.#child.stdout as Readable;
  }

  #await(seq: number): Promise<Reply> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    this.#stay();
    return new Promise((resolve, reject) => this.#waiting.set(seq, { resolve, reject }));
  }

  #take(reply: Reply): void {
    const waiting = this.#waiting.get(reply.seq);
    this.#waiting.delete(reply.seq);
    if (this.#waiting.size === 0) this.#rest();
    waiting?.resolve(reply);
  }

  /** Keeps this process until it has answered, or its end is heard: that takes the end of both, and either may be the last. */
  #stay(): void {
    for (const one of [this.#child, this.#output] as readonly { ref?(): void }[]) one.ref?.();
  }

  /** Keeps no process alive that waits for nothing. */
  #rest(): void {
    if (this.#isClosing) return;
    for (const one of [this.#child, this.#child.stdin, this.#child.stdout] as readonly { unref?(): void }[]) one.unref?.();
  }
}
