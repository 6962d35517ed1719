import type { View } from './invariants.ts';

// What must hold at the moment at which an agent decides.

/**
 * This worker gets a start slot while as many others as the host allows have one, in all or of its kind, those that cannot be seen and the second halves
 * of starts aside.
 */
export function beyondSlots({ agent, slots, blind }: Pick<View, 'agent' | 'slots' | 'blind'>, worker: string): string | null {
  const others = agent?.crew.all().filter((one) => {
    const { phase, startCause, blind: sight } = one.life;
    const isStarting = phase === 'preparing' || (phase === 'starting' && startCause !== 'again');
    return isStarting && one.worker !== worker && sight === null && !blind.has(one.worker);
  });
  const kindOf = (name: string) => (agent?.crew.get(name)?.generation()?.runtime === 'native' ? 'process' : 'engine');
  const kind = kindOf(worker);
  const alike = others?.filter((one) => kindOf(one.worker) === kind).length ?? 0;
  if ((others?.length ?? 0) >= slots.total) return `${worker} is prepared beside ${others?.length} others, ${slots.total} may`;
  return alike >= slots[kind] ? `${worker} is prepared beside ${alike} others of its kind, ${slots[kind]} may` : null;
}

/** Of this worker a dependency does not hold at the moment at which its start was decided; how, or `null`. */
export function unmetDependency({ agent }: Pick<View, 'agent'>, worker: string): string | null {
  const one = agent?.crew.get(worker);
  for (const { worker: on, is, optional } of one?.normal()?.rules.dependsOn ?? []) {
    const life = agent?.crew.get(on)?.life;
    if (life === undefined && optional) continue;
    const isUp = life?.phase === 'running' && life.blind === null;
    const isMet =
      (is === 'started' && (isUp || life?.phase === 'done')) ||
      (is === 'healthy' && isUp && life?.health === 'ok') ||
      (is === 'completed' && life?.phase === 'done') ||
      (is === 'ended' && (life?.phase === 'done' || life?.phase === 'failed'));
    if (!isMet) return `${worker} is to be started, ${on} to be ${is} is ${life?.phase ?? 'not there'}`;
  }
  return null;
}
