import type { InstanceRef, Run } from '@ostler/sdk';
import { astray, unaddressed } from './addresses.ts';
import type { Agent } from './agent.ts';
import { generationOf } from './generation.ts';
import type { Declared } from './host.ts';
import { canary } from './real.ts';

/** What an agent starts, at the moment at which it asks for it: what of it is not as it must be, and the name of the promise; `null` = all is. */
export function misstarted(
  ref: InstanceRef,
  run: Run,
  workers: readonly Declared[],
  agent: Agent | null,
): { readonly of: string; readonly text: string } | null {
  const name = `${ref.worker}/${ref.instance}`;
  const one = agent?.crew.get(ref.worker);
  const generation = one === undefined ? null : generationOf(one, ref.generation);
  const known = generation?.artifact.digest;
  if (!run.artifact.digest.startsWith('sha256:') || run.artifact.digest !== known)
    return { of: 'resolved before start', text: `${name} is started, and it is not known as what` };
  if (run.secrets.env['TOKEN'] !== canary) return { of: 'secrets before start', text: `${name} is started without its secret` };
  const declared = workers.find((one) => one.name === ref.worker)!;
  const owner = declared.written.networkMode?.replace('worker:', '');
  if (run.shares?.ref.worker !== owner)
    return { of: 'whose network it shares', text: `${name} shares the network of ${run.shares?.ref.worker}, not of ${owner}` };
  const owning = agent?.crew.get(owner ?? '')?.life;
  if (owner !== undefined && (owning?.phase !== 'running' || owning.instance !== run.shares?.ref.instance))
    return {
      of: 'whose network it shares',
      text: `${name} shares the network of ${run.shares?.ref.instance}, and ${owner} is ${owning?.phase} (${owning?.instance})`,
    };
  const its = one?.normal(generation)?.rules;
  const startCause = one?.life.startCause;
  if (its?.kind === 'cron' && (startCause === 'declared' || startCause === 'changed'))
    return { of: 'a schedule is kept', text: `${name} is started since it was ${startCause}, and it is due by its schedule alone` };
  const rules = its?.dependsOn ?? [];
  const isThere = (name: string | undefined): boolean => name === undefined || agent?.crew.get(name)?.generation() != null;
  // Where one is that shares the network of somebody who is no more, nobody can say.
  const there = workers.filter(
    ({ name, written }) =>
      rules.some(({ worker }) => worker === name) && isThere(name) && isThere(owner) && isThere(written.networkMode?.replace('worker:', '')),
  );
  const placed = (some: readonly Declared[]): readonly Declared[] => some.map((other) => onItsRuntime(other, agent));
  const from = onItsRuntime(declared, agent);
  const text = astray(from, placed(workers), run.env) ?? unaddressed(from, placed(there), run.env);
  return text === null ? null : { of: 'where others are', text };
}

/** The host file may have moved it since. */
function onItsRuntime(declared: Declared, agent: Agent | null): Declared {
  const runtime = agent?.crew.get(declared.name)?.generation()?.runtime;
  return runtime === undefined ? declared : { ...declared, written: { ...(declared.written as object), runtime } as unknown as Declared['written'] };
}
