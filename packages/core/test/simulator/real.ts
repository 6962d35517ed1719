import type { Artifact, Exit, Handle, InstanceRef } from '@ostler/sdk';
import type { Owner } from './timeline.ts';

/** How a worker's program behaves when it runs. */
export interface Behaviour {
  /** It ends by itself; `null` = it runs until it is stopped. */
  readonly exit: { readonly afterMs: number; readonly code: number } | null;
  readonly failsToPrepare: boolean;
  readonly failsToStart: boolean;
  readonly ignoresSignals: boolean;
  /** Its engine does not say that it cannot start it. */
  readonly losesStarts?: boolean | undefined;
  /** Its engine refuses to stop it for a while. */
  readonly refusesStops?: boolean | undefined;
  /** It uses more memory than any rule allows. */
  readonly isGreedy?: boolean | undefined;
  /** Its image brings a check, and its engine says what came of that. */
  readonly isChecked?: boolean | undefined;
}

export interface Real {
  readonly ref: InstanceRef;
  /** The engine's store in which it is. */
  readonly store: string;
  readonly startedAt: string;
  /** By the one time of the story, whatever the host's clock said. */
  readonly startedMs: number;
  /** The agent that started it. */
  readonly startedBy: Owner;
  /** In which stores there ever was one of its name, when those were started (RFC 3339), and how each run of them ended. */
  readonly stores: string[];
  readonly starts: string[];
  readonly exits: Exit[];
  /** Processes that outlive it, as `pid command`. */
  readonly left: readonly string[];
  is: 'created' | 'running' | 'exited';
  /** It ended because its engine did. */
  endedWithEngine: boolean;
  exit: Exit | null;
  /** How often its engine still refuses to stop it; nobody has asked for that yet = `undefined`. */
  refusals?: number;
}

/** What everything resolves to, as it is for the n-th time; some are made of others. */
export const artifactOf = (image: number): Artifact => ({ digest: `sha256:${image}`, inputs: image < 3 ? {} : { base: `sha256:base-${image}` }, data: null });
/** Stands in the environment of every worker, and each prints it: no journal, row, log line or error may have it. */
export const canary = 'canary-7c1f';
/** What a build that fails prints last. */
export const buildLines: readonly string[] = ['step 1 of 2', 'it broke'];
/** What each instance prints first. */
export const firstWords = ({ worker, instance }: InstanceRef): string => `this is ${worker}/${instance}`;
/** What an engine calls it by. */
export const handleOf = (store: string, { worker, instance }: Pick<InstanceRef, 'worker' | 'instance'>): Handle => ({
  version: 1,
  data: `${store}: ${worker}/${instance}`,
});
