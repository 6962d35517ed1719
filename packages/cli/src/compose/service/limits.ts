import { type Out, record } from '../out.ts';
import { sizeText } from '../quantity.ts';
import type { Service } from './service.ts';

/** Limits of CPU, memory and pids, and `ulimits`. */
export function writeLimits(service: Service): void {
  const { fields } = service;
  const limits = fields.map('deploy')?.map('resources')?.map('limits') ?? null;
  limits?.only(['cpus', 'memory', 'pids', 'devices', 'generic_resources']);
  const memory = positive(limits?.size('memory') ?? null) ?? positive(fields.size('mem_limit'));
  const cpus = positive(limits?.number('cpus') ?? null) ?? positive(fields.number('cpus')) ?? cpusOfQuota(service);
  const pids = positive(limits?.number('pids') ?? null) ?? positive(fields.number('pids_limit'));
  const swap = fields.size('memswap_limit');
  service.write(
    'limits',
    record({
      ...{ cpus, pids },
      memory: memory === null ? null : sizeText(memory),
      memorySwap: memory === null ? null : swapOf(memory, swap, service),
    }),
  );
  if (memory === null && swap !== null && swap > 0) fields.left('memswap_limit', 'it counts memory and swap together, so it needs a limit of memory');
  writeUlimits(service);
}

const positive = (value: number | null): number | null => (value === null || value <= 0 ? null : value);

function cpusOfQuota({ fields }: Service): number | null {
  const quota = positive(fields.number('cpu_quota'));
  const period = positive(fields.number('cpu_period')) ?? 100_000;
  return quota === null ? null : Math.round((quota / period) * 1000) / 1000;
}

/** Memory and swap together. The engine gives as much swap as memory unless it is told; ostler gives none. */
function swapOf(memory: number, swap: number | null, { fields }: Service): string | null {
  if (swap === -1) {
    fields.differs('memswap_limit', 'swap without a limit has no word: it is written as four times the memory');
    return sizeText(memory * 5);
  }
  if (swap !== null && swap > 0) return swap === memory ? null : sizeText(swap);
  return sizeText(memory * 2);
}

function writeUlimits(service: Service): void {
  const ulimits = service.fields.map('ulimits');
  const limit = (value: number): number | string => (value < 0 ? 'unlimited' : value);
  const written = (ulimits?.names ?? []).flatMap((name): readonly (readonly [string, Out])[] => {
    const node = ulimits!.node(name);
    if (node?.is !== 'map') {
      const both = ulimits!.number(name);
      return both === null ? [] : [[name, limit(both)]];
    }
    const pair = ulimits!.map(name)!;
    pair.only(['soft', 'hard']);
    const [soft, hard] = [pair.number('soft'), pair.number('hard')];
    if (soft === null || hard === null) pair.bad('', 'expected { soft, hard }');
    return soft === null || hard === null ? [] : [[name, record({ soft: limit(soft), hard: limit(hard) })]];
  });
  service.write('ulimits', new Map(written));
}
