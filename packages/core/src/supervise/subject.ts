import type { Found, Target } from '@ostler/sdk';
import type { EngineHealth, LastCheck } from '../probe/index.ts';
import type { Normal } from '../spec/index.ts';
import type { GenerationRecord } from '../store/index.ts';
import type { Instances } from './instances.ts';
import type { Life, LifeEvent } from './life.ts';
import type { Services } from './services.ts';

/** What is known of the running instance and not worth keeping: asked for again after a restart of the agent. */
export interface Live {
  readonly instance: string;
  readonly pid: number | null;
  readonly endpoints: readonly { readonly port: number; readonly address: string }[];
  /** What its engine says of its health; `null` = nothing. */
  readonly health: EngineHealth | null;
  readonly lastCheck: LastCheck;
}

/** A supervisor as what works for it sees it. */
export interface Subject {
  readonly worker: string;
  readonly services: Services;
  readonly instances: Instances;
  readonly life: Life;
  readonly live: Live | null;
  readonly isClosed: boolean;
  generation(counter?: number | null): GenerationRecord | null;
  normal(generation?: GenerationRecord | null): Normal | null;
  runtimeName(): string | null;
  target(instance?: string | null): Target | null;
  /** Learns what a generation of it was resolved to; persisted before all that is decided from here on. */
  pin(generation: GenerationRecord): void;
  send(event: LifeEvent): Promise<void>;
  sendAll(events: () => readonly LifeEvent[]): Promise<void>;
  observe(found: Found, how: 'started' | 'adopted' | 'looked', tookMs: number): Promise<void>;
}
