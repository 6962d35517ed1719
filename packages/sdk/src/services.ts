import { type Token, token } from './token.ts';

/** Structured log: fields first, then a sentence. pino fits. Never a secret. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
/** The agent's logger, each line marked with the plugin's id. */
export const Logger: Token<Logger> = token('@ostler/sdk/Logger/v1');

/** Time as the agent sees it; tests replace it. */
export interface Clock {
  /** Epoch ms; jumps with the host's clock. */
  nowMs(): number;
  /** Never goes back; its zero means nothing. */
  monotonicMs(): number;
  /** Resolves after `ms`, rejects with the signal's reason. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
export const Clock: Token<Clock> = token('@ostler/sdk/Clock/v1');

/** Folders that belong to this plugin alone. They exist, with mode 0700. */
export interface Folders {
  /** Outlives everything: in the agent's data dir. */
  readonly state: string;
  /** On tmpfs, empty after a reboot: secrets in use. Throws a RuntimeFailure (`unsupported`) where this host has no tmpfs. */
  secrets(): string;
}
export const Folders: Token<Folders> = token('@ostler/sdk/Folders/v1');

/** This agent. */
export interface AgentIdentity {
  /** UUID of the data dir: what `InstanceRef.agent` carries. */
  readonly id: string;
  readonly host: string;
}
export const AgentIdentity: Token<AgentIdentity> = token('@ostler/sdk/AgentIdentity/v1');
