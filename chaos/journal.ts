import type { ChildProcess } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { ostler, startCommand } from './command.ts';
import type { Site } from './site.ts';

interface Event {
  readonly cursor: string;
  readonly at: string;
  readonly type: string;
  readonly worker: string | null;
  readonly text: string;
}

const againMs = 200;

/** Follows `ostler events -f` over all deaths of the agent, from the cursor that it heard last. */
export class Journal {
  readonly #site: Site;
  readonly #onTrouble: (text: string) => void;
  readonly #heard = new Map<number, string>();
  readonly #lines: string[] = [];
  #last = 0;
  #child: ChildProcess | null = null;
  #isOver = false;
  #following: Promise<void> | null = null;

  constructor(site: Site, onTrouble: (text: string) => void) {
    this.#site = site;
    this.#onTrouble = onTrouble;
  }

  get last(): number {
    return this.#last;
  }

  start(): void {
    this.#following = this.#follow();
  }

  /** What it told last of these workers and of the agent, a line each. */
  of(workers: readonly string[]): readonly string[] {
    const names = new Set([...workers, '-']);
    return this.#lines.filter((line) => names.has(line.split(' ', 2)[1] ?? '')).slice(-150);
  }

  async #follow(): Promise<void> {
    for (; !this.#isOver; await pause(againMs)) {
      const child = startCommand(this.#site, ['events', '-f', '--since', String(this.#last)]);
      this.#child = child;
      let rest = '';
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) this.#take(line);
      });
      child.stderr?.resume();
      await new Promise((resolve) => child.once('close', resolve).once('error', resolve));
    }
  }

  #take(line: string): void {
    const event = JSON.parse(line) as Event;
    // That the agent has gone.
    if (event.type === 'problem') return;
    const cursor = Number(event.cursor);
    if (cursor !== this.#last + 1) this.#onTrouble(`after the cursor ${this.#last} \`ostler events -f\` told ${cursor}: ${line.slice(0, 300)}`);
    this.#last = cursor;
    this.#heard.set(cursor, line);
    this.#lines.push(`${event.at} ${event.worker ?? '-'} ${event.type}: ${event.text}`);
    if (this.#lines.length > 40_000) this.#lines.splice(0, 20_000);
  }

  /**
   * Reads the journal once more, from its beginning, and holds it against what was heard: cursors without gap and without repetition, and nothing that
   * was told has changed or is gone. Returns how many entries there are.
   */
  async compare(): Promise<number> {
    const { code, stdout, stderr } = await ostler(this.#site, 'events');
    const lines = stdout.split('\n').filter((line) => line !== '');
    if (code !== 0 || lines.length === 0) {
      this.#onTrouble(`\`ostler events\` ended with ${code} and ${lines.length} entries: ${stderr}`);
      return 0;
    }
    let before: number | null = null;
    for (const line of lines) {
      const cursor = Number((JSON.parse(line) as Event).cursor);
      if (before !== null && cursor !== before + 1) this.#onTrouble(`in the journal ${cursor} follows ${before}`);
      const heard = this.#heard.get(cursor);
      if (heard !== undefined && heard !== line) this.#onTrouble(`the entry ${cursor} was told as ${heard} and is kept as ${line}`);
      before = cursor;
    }
    if (before !== null && before < this.#last) this.#onTrouble(`the entry ${this.#last} was told, and the journal ends with ${before}`);
    return this.#last;
  }

  async end(): Promise<void> {
    this.#isOver = true;
    this.#child?.kill('SIGKILL');
    await this.#following;
  }
}
