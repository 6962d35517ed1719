import type { Agent } from './agent.ts';
import type { Disk } from './disk.ts';
import type { Engine } from './engine.ts';
import { firstWords } from './real.ts';

interface Exited {
  readonly code: number | null;
  readonly signal: string | null;
  readonly lastLines?: readonly string[];
}

/** What the journal has of those that ended; each entry is read once. */
export class Words {
  #at = 0;

  /** One that told of its end without what was printed last, though this agent had started it; or with the words of another. */
  missing({ journal }: Disk, engines: readonly Engine[], agent: Agent | null): string | null {
    for (; this.#at < journal.length; this.#at++) {
      const { type, worker, instance, data } = journal[this.#at]!;
      const real = engines.map((engine) => engine.instances.get(`${worker}/${instance}`)).find((one) => one !== undefined);
      if (type !== 'worker.exited' || real === undefined) continue;
      const { code, signal, lastLines } = data as unknown as Exited;
      if (lastLines !== undefined && lastLines[0] !== firstWords(real.ref)) return `the last lines of ${worker}/${instance} are ${lastLines.join('; ')}`;
      const good = agent?.crew.get(worker ?? '')?.normal()?.rules.restart.successCodes ?? [0];
      const isFailure = signal !== null || (code !== null && !good.includes(code));
      if (lastLines === undefined && isFailure && real.startedBy === agent?.owner) return `${worker}/${instance} ended, and what it printed last is not told`;
    }
    return null;
  }
}
