import type { ProbeWatch, Supervisor } from '../../src/supervise/index.ts';
import { refusal } from './engine.ts';
import type { View } from './invariants.ts';

/** The last verdict of each probe that is told apart from the ones of other instances. */
export type Verdicts = ReadonlyMap<ProbeWatch, 'ok' | 'bad'>;

/**
 * Where nothing fails and nothing is on its way, the agent knows what is, without any timer: a hint that was lost would be made good by the next list
 * only. What it does not know, in a sentence.
 */
export function unaware(view: View, verdicts: Verdicts): string | null {
  const { engines, agent } = view;
  const running = new Map(engines.flatMap((engine) => engine.here().flatMap(({ is, ref }) => (is === 'running' ? [[ref.worker, ref.instance] as const] : []))));
  for (const one of agent?.crew.all() ?? []) {
    if (one.life.blind !== null) {
      const text = unseen(one, view);
      if (text !== null) return text;
      continue;
    }
    const text = untrue(one, running.get(one.worker) ?? null, view, verdicts);
    if (text !== null) return `${one.worker} is ${one.life.phase} (${one.life.reason}): ${text}`;
  }
  return null;
}

/** Nothing fails: what is out of sight is on an engine that has another store now, or that was not asked since it is there again. */
function unseen(one: Supervisor, { engines }: View): string | null {
  const { worker, life, instances } = one;
  const store = instances.get(life.instance ?? '')?.engine ?? null;
  const isElsewhere = store !== null && !engines.some((engine) => engine.store === store);
  return isElsewhere || !isAsked(one) ? null : `${worker} is out of sight (${life.blind?.reason}), and nothing hides it`;
}

const isAsked = (one: Supervisor): boolean => one.services.runtime(one.runtimeName() ?? '')?.isUp() === true;

function untrue(one: Supervisor, real: string | null, { agent }: View, verdicts: Verdicts): string | null {
  const { phase, instance, want, reason, health } = one.life;
  switch (phase) {
    case 'preparing':
    case 'starting':
    case 'stopping':
    case 'unresolved':
      // A stop that is refused is tried at a pace.
      if (one.life.unresolved === 'stop' && reason.endsWith(refusal)) return null;
      return agent!.revealing.has(one.worker) ? null : 'nothing of it is on its way';
    case 'running': {
      // What its engine has is listed, and all looked at, once the agent knows that it is there again.
      if (real !== instance) return isAsked(one) ? `${real ?? 'nothing'} runs` : null;
      if (want !== 'run') return `it is ${want}`;
      const watch = agent?.probes.find((probe) => probe.worker === one.worker && probe.instance === instance);
      const found = watch && verdicts.get(watch);
      return found === undefined || found === health ? null : `it was found ${found}, and is ${health}`;
    }
    case 'waiting': {
      if (real !== null) return `${real} runs`;
      if (want !== 'run') return `it is ${want}`;
      // Whether its engine is there again is asked now and then alone.
      if (one.services.runtime(one.generation()?.runtime ?? '')?.isUp() !== true) return null;
      const missing = agent?.crew.services.missing(one.worker) ?? null;
      if (missing === null) return 'nothing is missing to it';
      return reason === `waiting for ${missing}` ? null : `${missing} is what is missing to it`;
    }
    default:
      return real === null ? null : `${real} runs`;
  }
}
