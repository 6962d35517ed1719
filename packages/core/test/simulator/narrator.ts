import type { Agent } from './agent.ts';

/** Tells what becomes of the workers, by their agent. */
export class Narrator {
  readonly #told = new Map<string, string>();

  tell(agent: Agent | null, say: (text: string) => void): void {
    for (const { worker, life } of agent?.crew.all() ?? []) {
      const now = `${life.phase}${life.want === 'run' ? '' : `, ${life.want}`}${life.blind === null ? '' : ', blind'} (${life.instance})`;
      if (this.#told.get(worker) !== now) say(`        ${worker} is ${now}`);
      this.#told.set(worker, now);
    }
  }
}
