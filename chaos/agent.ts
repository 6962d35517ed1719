import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ask } from '../bench/ask.ts';
import { environment, ostlerWords } from './command.ts';
import type { Observer } from './observer.ts';
import { nowMs } from './process.ts';
import type { Site } from './site.ts';

/** How long an agent may take until it answers, in time in which it can run. */
const comesUpMs = 60_000;
const againMs = 300;
/** So long after a full disk has room again an agent may still end because of it. */
const roomMs = 5000;

/** The agent's process: started again whenever it ends, as a service manager does. Tells the observer when it cannot act. */
export class Agent {
  readonly #site: Site;
  readonly #observer: Observer;
  readonly #onTrouble: (text: string) => void;
  #child: ChildProcess | null = null;
  #answers = false;
  #isFrozen = false;
  #isFull = false;
  #fullUntilMs = Number.NEGATIVE_INFINITY;
  #isOver = false;
  #wasKilled = false;
  #pauseMs = 0;
  #endUnable: (() => void) | null = null;
  #running: Promise<void> | null = null;
  /** How many agents there were. */
  count = 0;

  constructor(site: Site, observer: Observer, onTrouble: (text: string) => void) {
    this.#site = site;
    this.#observer = observer;
    this.#onTrouble = onTrouble;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** It lives, is not frozen, has answered, and its disk has room. */
  get isAble(): boolean {
    return this.#answers && !this.#isFrozen && !this.#isFull;
  }
  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  start(): void {
    this.#running = this.#keepUp();
  }

  /** kill -9; the next one is started after `pauseMs`. */
  kill(pauseMs: number): void {
    this.#pauseMs = pauseMs;
    this.#wasKilled = true;
    this.#answers = false;
    this.#changed('the agent is killed');
    this.#child?.kill('SIGKILL');
    this.#isFrozen = false;
  }

  freeze(): void {
    this.#isFrozen = true;
    this.#changed('the agent is frozen');
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    if (!this.#isFrozen) return;
    this.#child?.kill('SIGCONT');
    this.#isFrozen = false;
    this.#changed('');
  }

  disk(isFull: boolean): void {
    this.#isFull = isFull;
    if (!isFull) this.#fullUntilMs = nowMs();
    this.#changed('the disk is full');
  }

  /** Resolves with whether it is able before the time is over. */
  async able(withinMs: number): Promise<boolean> {
    for (const end = nowMs() + withinMs; !this.isAble; await pause(20)) if (nowMs() > end) return false;
    return true;
  }

  /** No further one is started; resolves when the last has ended. */
  async over(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  #changed(why: string): void {
    if (this.isAble) {
      this.#endUnable?.();
      this.#endUnable = null;
    } else this.#endUnable ??= this.#observer.span('unable', null, why);
  }

  async #keepUp(): Promise<void> {
    while (!this.#isOver) {
      this.#changed('the agent starts');
      await this.#live();
      this.#answers = false;
      this.#changed('the agent has ended');
      await pause(this.#pauseMs);
    }
  }

  /** One life of an agent. */
  async #live(): Promise<void> {
    const { dir, hostFile, dataDir, socket } = this.#site;
    const [command = '', ...args] = ostlerWords('serve', '--config', hostFile, '--data-dir', dataDir, '--socket', socket);
    const log = openSync(join(dir, 'agent.log'), 'a', 0o600);
    const child = spawn(command, args, { cwd: dir, env: environment(), stdio: ['ignore', log, log], detached: true });
    closeSync(log);
    this.#child = child;
    this.#wasKilled = false;
    this.count += 1;
    if (child.pid !== undefined) this.#observer.tell({ is: 'agent', pid: child.pid });
    const ended = new Promise<string>((resolve) => {
      child.once('exit', (code, signal) => resolve(signal ?? `code ${code}`));
      child.once('error', (error) => resolve(error.message));
    });
    void this.#untilItAnswers(child);
    const how = await ended;
    const isExcused = this.#wasKilled || this.#isOver || this.#isFull || nowMs() < this.#fullUntilMs + roomMs;
    if (!isExcused) this.#onTrouble(`the agent (pid ${child.pid}) ended by itself with ${how}; it said last: ${this.said()}`);
    if (!this.#wasKilled) this.#pauseMs = againMs;
  }

  async #untilItAnswers(child: ChildProcess): Promise<void> {
    let ranMs = 0;
    for (let before = nowMs(); child.exitCode === null && child.signalCode === null && child === this.#child; ) {
      const answer = await ask(this.#site.socket, 'GET', '/v1/agent', undefined, 2000).catch(() => null);
      if (answer?.status === 200 && (JSON.parse(answer.body) as { pid: number }).pid === child.pid) {
        this.#answers = true;
        this.#changed('');
        return;
      }
      await pause(20);
      const now = nowMs();
      if (!this.#isFrozen && !this.#isFull) ranMs += now - before;
      before = now;
      if (ranMs > comesUpMs) {
        this.#onTrouble(`the agent (pid ${child.pid}) runs and has not answered for ${comesUpMs / 1000} s; it said last: ${this.said()}`);
        return;
      }
    }
  }

  /** The end of what agents printed. */
  said(): string {
    try {
      return readFileSync(join(this.#site.dir, 'agent.log'), 'utf8').trim().slice(-1500);
    } catch {
      return 'nothing';
    }
  }
}
