import type { Call, Probe } from '@ostler/sdk';
import type { CoreClock } from '../base/clock.ts';
import type { Age } from './age.ts';
import type { Hearing } from './hearing.ts';
import type { LogReading } from './log-reading.ts';

/** What a probe found. `evidence`: one short sentence for people. */
export interface ProbeAnswer {
  readonly ok: boolean;
  readonly evidence: string;
}

/** One probe, ready to be asked. What `ask` throws says why there is no answer. */
export interface PreparedProbe {
  /** What is asked, as evidence begins: `GET http://127.0.0.1:8080/health`. */
  readonly what: string;
  /** Id of the plugin whose code answers. */
  readonly plugin?: string | undefined;
  /** It is not waited for longer, whatever the rule says. */
  readonly mostMs?: number | undefined;
  /** Why it is not asked again while the question before has not ended. */
  readonly unended?: string | undefined;
  /** Ends soon after the call's signal. What it notes by `progress` says how far it came, for the evidence when its time is over. */
  ask(call: Call): Promise<ProbeAnswer>;
}

/** What a command in a worker came to. `output`: the end of what it printed. */
export interface ExecAnswer {
  readonly code: number | 'unknown';
  readonly output: string;
}

/** Runs a command in the worker that is probed. */
export type ExecInWorker = (argv: readonly string[], call: Call) => Promise<ExecAnswer>;

/** Where the agent reaches a port of the worker: `host:port`, or the host alone where the port is the same. */
export interface Endpoint {
  readonly port: number;
  readonly address: string;
}

/** What probes of one worker can use. */
export interface ProbeScene {
  readonly clock: CoreClock;
  readonly endpoints: readonly Endpoint[];
  /** `null` = its runtime cannot run commands in it. */
  readonly exec: ExecInWorker | null;
  /** `null` = its runtime does not hear what it says of itself. */
  readonly hearing: Hearing | null;
  /** `null` = its runtime gives no logs. */
  readonly log: LogReading | null;
  /** Of the file that is looked at. */
  readonly fileAge: Age;
}

/** A probe that a plugin brings. */
export interface ProvidedProbe {
  /** Id of the plugin. */
  readonly plugin: string;
  readonly probe: Probe;
}

/** Makes a probe of the options of its rule. Throws where they cannot be asked; the message says why. */
export type Prepare = (options: unknown, scene: ProbeScene) => PreparedProbe;

/** Who listens everywhere is asked here. */
const anyAddress: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1', '': '127.0.0.1' };

/** Where a port of the worker is asked: its own address may carry another port, as a container's published one. */
export function reach(port: number, endpoints: readonly Endpoint[]): { readonly address: string; readonly port: number } {
  const given = endpoints.find((one) => one.port === port)?.address ?? '127.0.0.1';
  const withPort = /^(?:\[(?<six>[^\]]+)\]|(?<name>[^:]*)):(?<port>\d+)$/.exec(given)?.groups;
  const address = withPort ? (withPort['six'] ?? withPort['name'] ?? '') : given;
  return { address: anyAddress[address] ?? address, port: withPort ? Number(withPort['port']) : port };
}

/** `127.0.0.1:80`, `[::1]:80`. */
export const authority = (address: string, port: number): string => `${address.includes(':') ? `[${address}]` : address}:${port}`;

/** Evidence stands in one line of a table and in the journal. */
export function inShort(text: string, most = 200): string {
  const line = text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
  return line.length > most ? `${line.slice(0, most - 2)} …` : line;
}
