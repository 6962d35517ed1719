import { signalName, signalNumber } from '@ostler/sdk';
import type { ContainerJson } from '../engine/json.ts';
import { refusal } from '../errors.ts';

/** Throws `invalid` for what is no name of a signal. */
export function demandSignal(name: string): string {
  if (/^SIG[A-Z0-9+-]{2,12}$/.test(name)) return name;
  throw refusal('invalid', `"${name}" is no signal; use a full name such as SIGTERM`);
}

/**
 * The signal that ends a container of which nothing else is said, as its full name: what the image names (`SIGQUIT`, `QUIT`, `3`), else SIGTERM. What
 * is no signal is SIGTERM too, as for the engine.
 */
export function stopSignalOf({ Config }: ContainerJson): string {
  const written = (Config.StopSignal ?? '').toUpperCase();
  if (/^\d+$/.test(written)) return signalName(Number(written)) ?? 'SIGTERM';
  const name = `SIG${written.replace(/^SIG/, '')}`;
  return signalNumber(name) === null ? 'SIGTERM' : name;
}
