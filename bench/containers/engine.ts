import { type IncomingMessage, request } from 'node:http';
import { baseImage, importBaseImage } from '../../packages/runtime-docker/src/fixtures/base-image.ts';
import { type TestEngine, testDockerd } from '../../packages/runtime-docker/src/fixtures/dockerd.ts';
import { ask } from '../ask.ts';

interface Started {
  readonly id: string;
  /** By `performance.now()`, when the engine's event of it came. */
  readonly atMs: number;
}

interface Listed {
  readonly Id: string;
}

export const image = baseImage;

/** A dockerd of the bench's own, and what it says of starts. */
export class Engine {
  readonly host: string;
  readonly version: string;
  readonly #engine: TestEngine;
  readonly #started: Started[] = [];
  readonly #waiting = new Set<() => void>();
  readonly #events: IncomingMessage;

  private constructor(engine: TestEngine, version: string, events: IncomingMessage) {
    this.#engine = engine;
    this.host = engine.host;
    this.version = version;
    this.#events = events;
    let rest = '';
    events.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') this.#started.push({ id: (JSON.parse(line) as { id: string }).id, atMs: performance.now() });
      for (const look of [...this.#waiting]) look();
    });
  }

  static async open(): Promise<Engine> {
    const engine = testDockerd();
    await engine.start();
    await importBaseImage(engine.socketPath, engine.dir);
    const version = (JSON.parse((await ask(engine.socketPath, 'GET', '/version')).body) as { Version: string }).Version;
    const filters = encodeURIComponent(JSON.stringify({ type: ['container'], event: ['start'] }));
    const events = await new Promise<IncomingMessage>((resolve, reject) => {
      const asked = request({ socketPath: engine.socketPath, path: `/events?filters=${filters}` }, resolve);
      asked.on('error', reject);
      asked.end();
    });
    return new Engine(engine, version, events);
  }

  /** Throws where the engine answers with an error. */
  async call<T>(method: 'GET' | 'POST', path: string, body?: object): Promise<T> {
    const answer = await ask(this.#engine.socketPath, method, path, body);
    if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status} ${answer.body.slice(0, 300)}`);
    return (answer.body === '' ? null : JSON.parse(answer.body)) as T;
  }

  /** Starts that were seen so far. */
  get starts(): number {
    return this.#started.length;
  }

  /** When the start of this number came (the first is 1); rejects after a minute. */
  seen(number: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        this.#waiting.delete(look);
        reject(new Error(`${this.#started.length} of ${number} starts were seen within a minute`));
      }, 60_000);
      const look = (): void => {
        const found = this.#started[number - 1];
        if (found === undefined) return;
        clearTimeout(late);
        this.#waiting.delete(look);
        resolve(found.atMs);
      };
      this.#waiting.add(look);
      look();
    });
  }

  async running(): Promise<readonly string[]> {
    return (await this.call<readonly Listed[]>('GET', '/containers/json')).map(({ Id }) => Id);
  }

  async pidOf(id: string): Promise<number> {
    return (await this.call<{ State: { Pid: number } }>('GET', `/containers/${id}/json`)).State.Pid;
  }

  /** Takes all containers away, and the networks that nobody is on. */
  async wipe(): Promise<void> {
    const all = await this.call<readonly Listed[]>('GET', '/containers/json?all=true');
    await Promise.all(all.map(({ Id }) => this.#remove(Id)));
    await this.call('POST', '/networks/prune');
  }

  /** It may be on its way out already. */
  async #remove(id: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const asked = request({ socketPath: this.#engine.socketPath, method: 'DELETE', path: `/containers/${id}?force=true&v=true` }, (response) => {
        response.resume().on('end', resolve);
      });
      asked.on('error', reject);
      asked.end();
    });
  }

  async close(): Promise<void> {
    this.#events.destroy();
    await this.#engine.end();
  }
}
