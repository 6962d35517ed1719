import type { Artifact, Finding, Json } from '@ostler/sdk';
import { type Change, isOpen, type Registry, sameWorker } from '../spec/index.ts';

/** A worker as the host file wants it, read on its runtime. */
export interface Desired {
  readonly worker: string;
  /** `null`: none of those that it would take is on this host. */
  readonly runtime: string | null;
  readonly written: Json;
  readonly baseDir: string;
  /** `null`: could not be resolved; `problem` says why. */
  readonly artifact: Artifact | null;
  /** Keyed HMACs by reference; `null`: could not be read. */
  readonly secrets: Readonly<Record<string, string>> | null;
  readonly findings: readonly Finding[];
  /** What the policy of the host does not let it have. */
  readonly forbidden?: readonly Finding[] | undefined;
  /** Why it cannot be started as it is: no runtime, no artifact, no secret. */
  readonly problem: string | null;
}

/** What is persisted of the generation that a worker has. */
export interface PresentGeneration {
  readonly counter: number;
  readonly runtime: string;
  readonly written: Json;
  readonly baseDir: string;
  readonly artifact: Artifact;
  readonly secrets: Readonly<Record<string, string>>;
}

export interface Present {
  readonly worker: string;
  /** `null` = not known: the store was lost. */
  readonly generation: PresentGeneration | null;
  /** The highest counter that was ever used. */
  readonly lastCounter: number;
  readonly isRunning: boolean;
  readonly isBeingRemoved: boolean;
}

export interface Step {
  readonly worker: string;
  readonly kind: 'add' | 'change' | 'remove' | 'keep';
  readonly runtime: string | null;
  readonly from: number | null;
  readonly to: number | null;
  readonly restarts: boolean;
  readonly why: string;
  readonly changes: readonly Change[];
  readonly refused: readonly string[];
  readonly unenforced: readonly string[];
}

/** From what is to what should be, a step for each worker, by name. Pure. */
export function makePlan(desired: readonly Desired[], present: readonly Present[], registry: Registry): readonly Step[] {
  const now = new Map(present.map((one) => [one.worker, one]));
  const wanted = new Set(desired.map((one) => one.worker));
  const steps = [
    ...desired.map((one) => stepFor(one, now.get(one.worker), registry)),
    ...present.filter((one) => !wanted.has(one.worker) && !one.isBeingRemoved).map(removal),
  ];
  return steps.sort((a, b) => (a.worker < b.worker ? -1 : 1));
}

/** True for a plan that takes away all that is there, or more than half of it. */
export function removesMuch(steps: readonly Step[], present: readonly Present[]): boolean {
  const removed = steps.filter((step) => step.kind === 'remove').length;
  return removed > 0 && removed * 2 > present.filter((one) => !one.isBeingRemoved).length;
}

function stepFor(desired: Desired, present: Present | undefined, registry: Registry): Step {
  const { worker, runtime } = desired;
  const forbidden = (desired.forbidden ?? []).map(findingText);
  const refused = [
    ...forbidden,
    ...desired.findings.filter(({ level }) => level === 'refused').map(findingText),
    ...(desired.problem === null ? [] : [desired.problem]),
  ];
  const base = {
    worker,
    runtime,
    from: present?.generation?.counter ?? null,
    to: (present?.lastCounter ?? 0) + 1,
    refused,
    unenforced: desired.findings.filter(({ level }) => level === 'unenforced').map(findingText),
  };
  if (present === undefined || present.isBeingRemoved) return { ...base, kind: 'add', restarts: false, why: 'it is new in the host file', changes: [] };
  const restarts = present.isRunning;
  if (present.generation === null)
    return { ...base, kind: 'change', restarts, why: 'which version of it runs is not known, because the store was lost', changes: [] };
  const changes = changesOf(desired, present.generation, registry);
  // What is unchanged runs on, whatever could not be asked about it now.
  const leftOn = forbidden.map((text) => `${text}; it runs on as it is, and is not started again`);
  const kept = { refused: [], unenforced: [...base.unenforced, ...leftOn] };
  if (changes.length === 0) return { ...base, ...kept, kind: 'keep', to: present.generation.counter, restarts: false, why: 'nothing changed', changes };
  return { ...base, kind: 'change', restarts, why: `${changes.map(({ field }) => field).join(', ')} changed`, changes };
}

const removal = ({ worker, generation, isRunning }: Present): Step => ({
  ...{ worker, kind: 'remove', runtime: generation?.runtime ?? null, from: generation?.counter ?? null, to: null, restarts: isRunning },
  ...{ why: 'it is no longer in the host file', changes: [], refused: [], unenforced: [] },
});

const findingText = ({ field, text }: Finding): string => (text.includes(field) ? text : `${field}: ${text}`);

function changesOf(desired: Desired, had: PresentGeneration, registry: Registry): readonly Change[] {
  const { worker, runtime } = desired;
  // Without a runtime now, it is read as the one that it has.
  const side = (written: Json, baseDir: string, of: string) => ({ name: worker, runtime: of, baseDir, registry, written });
  const fields = sameWorker(side(had.written, had.baseDir, had.runtime), side(desired.written, desired.baseDir, runtime ?? had.runtime));
  return [...fields, ...artifactChanges(had.artifact, desired.artifact), ...secretChanges(had.secrets, desired.secrets)];
}

function artifactChanges(had: Artifact, has: Artifact | null): readonly Change[] {
  if (has === null || had.digest === has.digest || isOpen(had) || isOpen(has)) return [];
  const names = [...new Set([...Object.keys(had.inputs), ...Object.keys(has.inputs)])].filter((name) => had.inputs[name] !== has.inputs[name]);
  if (names.length === 0) return [{ field: 'artifact', before: had.digest, after: has.digest }];
  return names.map((name) => ({ field: `content of ${name}`, before: shortened(had.inputs[name]), after: shortened(has.inputs[name]) }));
}

/** Of a digest, as much as people compare. */
const shortened = (text: string | undefined): string | null => text?.replace(/^((?:sha256:)?[0-9a-f]{12})[0-9a-f]{52}$/, '$1…') ?? null;

function secretChanges(had: Readonly<Record<string, string>>, has: Readonly<Record<string, string>> | null): readonly Change[] {
  if (has === null) return [];
  const known = Object.keys(has).filter((ref) => ref in had);
  return known.filter((ref) => had[ref] !== has[ref]).map((ref) => ({ field: `value of secret ${ref}`, before: '***', after: '***' }));
}
