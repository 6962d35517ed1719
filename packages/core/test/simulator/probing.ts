import type { Call, ExecSession } from '@ostler/sdk';
import type { ProbeWatch, Supervisor } from '../../src/supervise/index.ts';
import { canary } from './real.ts';

/** What of a probe is not as its worker, its instance and its runtime are; `null` = all is. */
export function misprobed(watch: ProbeWatch, { worker, life, live, normal, generation }: Supervised): string | null {
  const { health } = life;
  const rule = normal(generation(life.instanceGeneration))?.rules.health;
  if (watch.worker !== worker || watch.instance !== life.instance) return `${watch.worker}/${watch.instance} is probed, and ${life.instance} runs`;
  if (watch.rule !== rule) return 'it is probed by the rule of another generation';
  if (watch.startedMs !== life.startedMs) return `it has run since ${life.startedMs}, its probes believe since ${watch.startedMs}`;
  if (watch.health !== (health === 'ok' || health === 'bad' ? health : null)) return `it is ${health}, its probes begin with ${watch.health}`;
  const isAsked = rule?.image === true && live?.health != null;
  if ((watch.opinion !== null) !== isAsked) return `what its engine says of it (${live?.health}) ${isAsked ? 'does not count' : 'counts'}`;
  if (watch.opinion?.answer?.evidence.includes(canary)) return 'the check of its image tells a secret';
  return watch.logs === null ? 'what it prints cannot be read' : null;
}

/** The parts of a supervisor that this is judged by. */
export interface Supervised extends Pick<Supervisor, 'worker' | 'life' | 'live'> {
  normal: Supervisor['normal'];
  generation: Supervisor['generation'];
}

const call: Call = { signal: new AbortController().signal, deadlineMs: Number.POSITIVE_INFINITY, progress() {}, output() {} };

/** Whether what a probe may ask of its runtime is answered as that runtime does: a sentence, or `null`. `kind`: which one it is. */
export async function misanswered(watch: ProbeWatch, kind: 'docker' | 'native', isOwn: boolean): Promise<string | null> {
  const ran = await watch.exec(['check'], call.signal).then(
    () => 'ran',
    (error: Error) => error.message,
  );
  const expected = kind === 'docker' ? 'ran' : 'the runtime native cannot run a command in a worker';
  if (ran !== expected) return `a command of its probe came to this: ${ran}`;
  if ((watch.notified !== null) !== (kind === 'native')) return `what it says of itself is ${watch.notified === null ? 'not ' : ''}heard on ${kind}`;
  const said = (await watch.notified?.(call))?.status;
  // Of one that another agent started nobody knows here what would be a secret.
  if (said !== undefined && (said === null ? isOwn : said !== told.replace(canary, '***'))) return `it says of itself: ${said}`;
  for await (const _ of watch.logs?.('start', call) ?? []) return null;
  return 'its probe reads nothing of what it printed';
}

/** What every process says of itself (sd_notify). */
export const told = `the token is ${canary}`;
/** A session in which a command ran. */
export const session = {} as ExecSession;
