export const faultKinds = ['death', 'reboot', 'down', 'freeze', 'replace', 'deaf', 'full', 'clock', 'sleep', 'lost', 'shutdown'] as const;
export type FaultKind = (typeof faultKinds)[number];

export interface ScheduleOptions {
  readonly seed: number;
  /** Left out of the story, to find what it needs. */
  readonly without?: ReadonlySet<FaultKind>;
  /** How many times as often as usual comes what is rare (1). */
  readonly rarity?: number;
  /** Steps before everything heals. */
  readonly steps?: number;
  /** Hears what each step does. */
  readonly onStep?: ((text: string) => void) | undefined;
}

export interface Outcome {
  readonly seed: number;
  readonly steps: number;
  readonly workers: number;
  readonly faults: ReadonlyMap<FaultKind, number>;
  /** Calls that were answered with an error or given up, by method. */
  readonly failed: ReadonlyMap<string, number>;
  /** The name of what did not hold, and how; `null` = all held. */
  readonly violation: { readonly name: string; readonly text: string } | null;
}
