import type { Agent } from './agent.ts';

/** Who is given a start slot: those who could have had it before, by their priority and then by their names. */
export class Order {
  /** Could have been given one when the last step had come to its end, and in which epoch. */
  #waiting = new Map<string, number>();
  #chosen: string[] = [];

  chose(worker: string): void {
    this.#chosen.push(worker);
  }

  /** When a step has come to its end. One that was passed over, in a sentence. */
  passedOver(agent: Agent | null): string | null {
    const all = agent?.crew.all() ?? [];
    const now = new Map(all.filter(isReady).map(({ worker, life }) => [worker, life.epoch]));
    const chosen = this.#chosen.splice(0);
    const still = chosen.length === 0 ? [] : [...now].filter(([worker, epoch]) => this.#waiting.get(worker) === epoch).map(([worker]) => worker);
    this.#waiting = now;
    for (const taken of chosen) {
      const before = still.find((worker) => agent !== null && isAlike(worker, taken, agent) && isBefore(worker, taken, agent));
      if (before !== undefined) return `${taken} was given a start slot, ${before} comes first and waits`;
    }
    return null;
  }

  /** Before {@link passedOver}. One that has waited for a slot alone since the step before, and is told to wait for something else, in a sentence. */
  misled(agent: Agent | null): string | null {
    const one =
      agent?.isEnding === false
        ? agent.crew.all().find((each) => isReady(each) && this.#waiting.get(each.worker) === each.life.epoch && isOfOther(each))
        : undefined;
    return one === undefined ? null : `${one.worker} is ${one.life.reason}, and nothing of that is missing`;
  }

  /** Of another agent nothing is known yet. */
  forget(): void {
    this.#waiting.clear();
    this.#chosen = [];
  }
}

type One = ReturnType<Agent['crew']['all']>[number];

function isReady(one: One): boolean {
  const { worker, life, services } = one;
  if (life.phase !== 'waiting' || life.want !== 'run' || life.blind !== null) return false;
  const generation = one.generation();
  return generation !== null && services.runtime(generation.runtime)?.isUp() === true && services.missing(worker) === null;
}

const isOfOther = ({ life, isClosed }: One): boolean => !isClosed && life.reason.startsWith('waiting for ');

/** Those of another kind have slots of their own. */
function isAlike(worker: string, other: string, { crew }: Agent): boolean {
  return (crew.get(worker)?.generation()?.runtime === 'native') === (crew.get(other)?.generation()?.runtime === 'native');
}

function isBefore(worker: string, other: string, { crew }: Agent): boolean {
  const priority = (name: string): number => crew.get(name)?.normal()?.rules.priority ?? 500;
  return priority(worker) > priority(other) || (priority(worker) === priority(other) && worker < other);
}
