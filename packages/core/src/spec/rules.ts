import type { StopRule, WorkerKind } from '@ostler/sdk';

/** What supervision needs of a worker, defaults filled in: core's own half of the normal form. */
export interface WorkerRules {
  readonly kind: WorkerKind;
  readonly restart: RestartRule;
  readonly stop: StopRule;
  readonly health: HealthRule;
  readonly dependsOn: readonly Dependency[];
  readonly schedule: ScheduleRule | null;
  readonly secrets: SecretsRule;
  /** 0 to 1000, 500 unless set: the higher starts first when starts are scarce. */
  readonly priority: number;
  readonly onSecretChange: 'restart' | 'reload' | 'nothing' | { readonly signal: string };
  readonly update: UpdateRule;
}
export interface RestartRule {
  readonly policy: 'always' | 'on-failure' | 'on-success' | 'never';
  /** `factor` per failure in a row from `minMs`, at most `maxMs`; the first restart after `firstMs`. `jitter`: 0.2 = ± 20 %. */
  readonly backoff: { readonly firstMs: number; readonly minMs: number; readonly maxMs: number; readonly factor: number; readonly jitter: number };
  /** A run that was so long forgets the failures before it; null = none does: what ends by itself has not run well before it has. */
  readonly resetAfterMs: number | null;
  /** Failures in a row after which it is failed; null = never, it is slowed. */
  readonly giveUp: number | null;
  readonly successCodes: readonly number[];
  /** It is stopped and started anew when it uses more for a while; null = whatever it uses. */
  readonly memoryAboveBytes: number | null;
  /** It is started anew before it is older; null = it may get as old as it likes. */
  readonly maxAgeMs: number | null;
  /** It is started anew at these times; null = at none. */
  readonly at: CronLine | null;
}
export interface ProbeRule {
  /** `http`, `tcp`, `exec`, … or the name of a plugin's probe. */
  readonly kind: string;
  /**
   * `http`: { port, path, scheme, status: [from, to][], body?, headers, host? } · `tcp`: { port, host? } · `exec`: { command } · `notify`: { watchdog? }, in ms ·
   * `grpc`: { port, service?, tls? } · `log`: { pattern, stream? } · `file`: { path, maxAge? }, absolute and in ms · others as their schema reads them.
   */
  readonly options: unknown;
}
export interface HealthRule {
  /** All must be good. Empty, and no check of an image: healthy after `minUpMs`. */
  readonly probes: readonly ProbeRule[];
  /** What its engine says of it counts too, where it says something: by the check that the image brings. */
  readonly image: boolean;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly startPeriodMs: number;
  readonly startIntervalMs: number;
  readonly retries: number;
  readonly successes: number;
  readonly onUnhealthy: 'restart' | 'signal' | 'report' | 'stop' | { readonly signal: string };
  readonly minUpMs: number;
}
export interface Dependency {
  /** A worker, or an integration such as `tailscale`. */
  readonly worker: string;
  /** `healthy`, `started`, `completed`, `ended`; an integration's own word. */
  readonly is: string;
  readonly optional: boolean;
  readonly restartWithIt: boolean;
  readonly stopWithIt: boolean;
}
export interface CronLine {
  readonly cron: string;
  /** null = the host's. */
  readonly timezone: string | null;
}
export interface ScheduleRule extends CronLine {
  readonly overlap: 'skip' | 'queue' | 'replace' | 'allow';
  readonly missed: 'skip' | 'once';
  readonly timeoutMs: number | null;
}
export interface SecretsRule {
  readonly files: readonly { readonly name: string; readonly ref: string; readonly mode: number; readonly uid: number | null }[];
  readonly env: Readonly<Record<string, string>>;
  readonly visibleInInspect: boolean;
}
export interface UpdateRule {
  readonly strategy: 'recreate' | 'start-first';
  readonly healthyWithinMs: number;
  readonly stableForMs: number;
  readonly onFailure: 'rollback' | 'stop';
}
