import type { RuntimeFailure } from '@ostler/sdk';

/** What one start of a scripted worker does. Times are of the fake clock. */
export interface Script {
  /** It ends by itself. Not given: it runs until it is stopped. */
  readonly exit?: { readonly afterMs: number; readonly code?: number; readonly signal?: string; readonly oom?: 'main' | 'inside' };
  /**
   * `ok` · `fail`: refused, outcome `no` · `hang`: never answers, nothing is done · `lost-reply`: done, and thrown as `unknown` ·
   * `late`: thrown as `unknown`, done `lateMs` after.
   */
  readonly start?: 'ok' | 'fail' | 'hang' | 'lost-reply' | 'late';
  readonly startAfterMs?: number;
  /** Of `late`. */
  readonly lateMs?: number;
  /** Laid over the failure that is thrown. */
  readonly failure?: Partial<RuntimeFailure>;
  /** `ignore`: the signal is ignored, the end comes after the grace · `hang`, `lost-reply` as at the start. */
  readonly stop?: 'ok' | 'ignore' | 'hang' | 'lost-reply';
  /** `prepare` fails with it. */
  readonly prepare?: 'ok' | 'fail' | 'hang';
  readonly health?: 'starting' | 'healthy' | 'unhealthy';
  /** On its stdout, each with the newline added, from the first moment. */
  readonly lines?: readonly string[];
  /** Messages of sd_notify(3): `READY=1`, or several lines. Heard of a worker whose spec says `notify`. */
  readonly says?: readonly { readonly afterMs: number; readonly message: string }[];
}
