import type { RuntimeDriver } from '@ostler/sdk';
import type { Scene } from '../conformance/scene.ts';
import * as exits from './exits.ts';
import * as identity from './identity.ts';
import * as streams from './streams.ts';

/** A mistake that a driver may have, laid over one that works. The suite is worth what it catches of these. */
export interface PlantedBug {
  readonly name: string;
  wrap(driver: RuntimeDriver, scene: Scene): RuntimeDriver;
  /** Ids of cases that must fail with it. */
  readonly caughtBy: readonly string[];
}

export const plantedBugs: readonly PlantedBug[] = [
  { name: 'never reaps', wrap: exits.neverReaps, caughtBy: ['exit-codes-are-told', 'ended-instance-is-not-started-again'] },
  { name: 'forgets identity', wrap: identity.forgetsIdentity, caughtBy: ['inspect-finds-by-the-ref-alone', 'the-next-agent-can-stop-it'] },
  { name: 'accepts a reused pid', wrap: identity.trustsThePid, caughtBy: ['inspect-refuses-a-reused-pid'] },
  { name: 'loses the last line', wrap: streams.losesTheLastLine, caughtBy: ['logs-keep-a-last-line-without-a-newline'] },
  { name: 'starts twice after an aborted start', wrap: identity.startsTwiceAfterAnAbort, caughtBy: ['aborted-start-is-at-most-one-instance'] },
  { name: 'removes what it cannot list', wrap: streams.removesWhatItCannotList, caughtBy: ['list-is-complete-or-throws'] },
  { name: 'reports gone for cannot-tell', wrap: identity.saysGoneForCannotTell, caughtBy: ['an-aborted-inspect-is-no-answer'] },
  {
    name: 'forgets exits with the agent',
    wrap: exits.forgetsExitsWithTheAgent,
    caughtBy: ['an-exit-is-kept-until-remove', 'exits-are-told-after-agent-downtime'],
  },
  { name: 'stops without waiting', wrap: exits.stopsWithoutWaiting, caughtBy: ['stop-ends-what-ignores-the-signal'] },
  { name: 'kills what names no signal', wrap: exits.killsWhatNamesNoSignal, caughtBy: ['stop-without-a-signal-uses-the-usual-one'] },
  { name: 'leaves the tree', wrap: exits.leavesTheTree, caughtBy: ['stop-takes-the-whole-tree'] },
  { name: 'stops workers at close', wrap: exits.stopsWorkersAtClose, caughtBy: ['close-leaves-workers-running'] },
  { name: 'ignores the generation', wrap: identity.ignoresTheGeneration, caughtBy: ['other-generation-is-a-conflict'] },
  { name: 'throws plain errors', wrap: identity.throwsPlainErrors, caughtBy: ['a-failure-says-what-was-done', 'remove-of-a-running-one-is-a-conflict'] },
  { name: 'forgets the cursor', wrap: streams.forgetsTheCursor, caughtBy: ['logs-resume-after-a-cursor'] },
  { name: 'hides gaps', wrap: streams.hidesGaps, caughtBy: ['records-and-gaps-are-what-was-written'] },
  { name: 'lists only what runs', wrap: streams.listsOnlyWhatRuns, caughtBy: ['list-needs-no-store'] },
  { name: 'watches without a gap', wrap: streams.watchesWithoutAGap, caughtBy: ['watch-begins-with-a-gap'] },
  { name: 'keeps secrets', wrap: streams.keepsSecrets, caughtBy: ['secrets-go-at-stop', 'secrets-go-after-a-crash'] },
  { name: 'puts secrets into the handle', wrap: streams.putsSecretsIntoTheHandle, caughtBy: ['secrets-are-nowhere-to-be-seen'] },
  { name: 'keeps silent on limits', wrap: streams.keepsSilentOnLimits, caughtBy: ['a-limit-that-cannot-be-held-is-a-finding'] },
  { name: 'outlives its signal', wrap: streams.outlivesItsSignal, caughtBy: ['a-stop-can-be-aborted-within-its-grace', 'no-call-outlives-its-signal'] },
];
