import type { GenerationRecord } from '../../src/store/index.ts';
import type { Supervisor } from '../../src/supervise/index.ts';

/** What an instance is of, by its ref. A store that was lost had counted on its own: where the counter stands for something else, by the digest. */
export function generationOf(one: Supervisor, ref: string | undefined): GenerationRecord | null {
  const [counter, digest] = (ref ?? '').split('-');
  const same = one.generations.filter((generation) => generation.digest === digest);
  return same.find((generation) => generation.counter === Number(counter)) ?? same.at(-1) ?? null;
}
