import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Act, Report, Span, Summary, Violation } from './acts.ts';
import type { Fleet } from './fleet.ts';
import { nowMs } from './process.ts';
import type { Site } from './site.ts';

const summaryMs = 60_000;

/** The observer's process as the chaos run sees it: is told what happens, and tells what must not. */
export class Observer {
  readonly violations: Violation[] = [];
  readonly #child: ChildProcess;
  readonly #ready = Promise.withResolvers<void>();
  readonly #summary = Promise.withResolvers<Summary>();
  #spans = 0;

  constructor(site: Site, fleet: Fleet) {
    const text = JSON.stringify(fleet.map((one) => ({ ...one, dependsOn: [...one.dependsOn] })));
    this.#child = fork(fileURLToPath(new URL('observer-main.ts', import.meta.url)), [site.place, text], {
      cwd: '/',
      execArgv: [],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child.on('message', (report: Report) => {
      if (report.is === 'ready') this.#ready.resolve();
      if (report.is === 'violation') this.violations.push(report.violation);
      if (report.is === 'summary') this.#summary.resolve(report.summary);
    });
    this.#child.once('exit', (code, signal) => {
      const error = new Error(`the observer ended with ${signal ?? code} before its time`);
      this.#ready.reject(error);
      this.#summary.reject(error);
    });
    this.#summary.promise.catch(() => {});
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  ready(): Promise<void> {
    return this.#ready.promise;
  }

  tell(act: Act): void {
    if (this.#child.connected) this.#child.send(act);
  }

  say(index: number | null, text: string): void {
    this.tell({ is: 'said', index, atMs: nowMs(), text });
  }

  /** From now on; the returned function ends it, now or at another time. */
  span(kind: Span['kind'], index: number | null, why: string): (toMs?: number) => void {
    const begun = { id: this.#spans++, kind, index, fromMs: nowMs(), why };
    this.tell({ is: 'span', span: { ...begun, toMs: null } });
    return (toMs = nowMs()) => this.tell({ is: 'span', span: { ...begun, toMs } });
  }

  /** All that has happened is judged. */
  async end(): Promise<Summary> {
    const late = setTimeout(() => this.#summary.reject(new Error(`the observer gave no summary within ${summaryMs / 1000} s`)), summaryMs);
    this.tell({ is: 'end' });
    try {
      return await this.#summary.promise;
    } finally {
      clearTimeout(late);
    }
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}
