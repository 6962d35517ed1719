import type { PluginsDocument, WireProblem } from '../api/wire.ts';
import type { Paths } from '../base/paths.ts';
import { isProblem, type Problem, problem, problemCodes } from '../base/problem.ts';
import type { StuckCalls } from '../base/stuck-calls.ts';
import type { HostConfig } from '../config/index.ts';
import type { Hosting } from '../hosting.ts';
import type { Journal } from '../journal/index.ts';
import type { Policing } from '../policing.ts';
import type { Reconciler } from '../reconcile/index.ts';
import { nearest } from '../spec/index.ts';
import type { Crew, Down, Supervisor } from '../supervise/index.ts';

/** What the control of an agent is made of. */
export interface Parts {
  readonly agentId: string;
  readonly release: string;
  readonly mode: 'up' | 'serve';
  readonly startedAt: string;
  readonly paths: Paths;
  readonly crew: Crew;
  readonly down: Pick<Down, 'stopAll' | 'callOff'>;
  readonly journal: Journal;
  readonly reconciler: Pick<Reconciler, 'plan' | 'apply'>;
  readonly hosting: Pick<Hosting, 'runtimes' | 'document'>;
  readonly policing: Pick<Policing, 'findings'>;
  readonly stuck: StuckCalls;
  hostName(): string;
  hostFile(): string;
  /** Why the saved host file cannot be used. */
  hostFileProblem(): Problem | null;
  /** Reads and checks a host file: the agent's own, or another. */
  readHostFile(path?: string): Promise<HostConfig>;
  /** Workers of which the saved host file says something else. */
  pending(): ReadonlySet<string>;
  /** Why a worker of the host file does not run here, such as `it has enabled: false`; `null` = it is not in the file, or does. */
  leftOut(worker: string): string | null;
  plugins(): PluginsDocument['plugins'];
  /** Notes on the data directory and the store, as findings of `doctor`. */
  notes(): readonly string[];
  isStoreFull(): boolean;
  reload(): Promise<void>;
  /** Ends the agent alone, once the answer that is being given has been sent. */
  endSoon(cause: string): void;
}

/** Throws `worker-unknown`, with what may have been meant: one of another name, or one that the host file has and that was not applied. */
export function workerOf(parts: Parts, name: string): Supervisor {
  const one = parts.crew.get(name);
  if (one !== undefined) return one;
  const names = parts.crew.all().map(({ worker }) => worker);
  if (parts.pending().has(name))
    throw problem({
      code: 'worker-unknown',
      message: `the worker ${name} is in the host file, but was not applied yet`,
      hint: `\`ostler apply\` brings it from ${parts.hostFile()}; \`ostler plan\` shows first what else that would change`,
    });
  const leftOut = parts.leftOut(name);
  if (leftOut !== null)
    throw problem({
      code: 'worker-unknown',
      message: `the worker ${name} is in the host file, but does not run here: ${leftOut}`,
      hint: `\`ostler apply\` brings it once that is changed in ${parts.hostFile()}`,
    });
  throw problem({ code: 'worker-unknown', message: `there is no worker ${name} on this host`, hint: unknownHint(parts, name, names) });
}

/** The same for what is to be started: throws it also for one that is being removed. */
export function startableOf(parts: Parts, name: string): Supervisor {
  const one = workerOf(parts, name);
  if (one.life.want !== 'removed') return one;
  throw problem({
    code: 'worker-unknown',
    message: `the worker ${name} is no longer in the host file, and is being removed`,
    hint: `put it back into ${parts.hostFile()} and \`ostler apply\`; \`ostler why ${name}\` says how far its removal has come`,
  });
}

function unknownHint(parts: Parts, name: string, names: readonly string[]): string {
  const meant = nearest(name, [...names, ...parts.pending()]);
  const all = names.length === 0 ? 'no workers are known: `ostler apply` brings those of the host file' : `workers: ${listed(names)}`;
  const trouble = parts.hostFileProblem();
  const stale = trouble === null ? '' : `; the saved host file cannot be used, so what it says is not known: ${trouble.message}`;
  return `${meant === null ? '' : `did you mean ${meant}? `}${all}${stale}`;
}

const shown = 20;
const listed = (names: readonly string[]): string => `${names.slice(0, shown).join(', ')}${names.length > shown ? ` and ${names.length - shown} more` : ''}`;

export function wireProblemOf(data: Problem): WireProblem {
  const { code, message, hint, place, others } = data;
  return {
    ...{ code, message, exitCode: problemCodes[code] },
    ...(hint === undefined ? {} : { hint }),
    ...(place === undefined ? {} : { place }),
    ...(others === undefined ? {} : { others: others.map(wireProblemOf) }),
  };
}

export const asProblem = (error: unknown): Problem =>
  isProblem(error) ? error : { code: 'internal', message: error instanceof Error ? error.message : String(error) };
