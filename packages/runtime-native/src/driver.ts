import { processDriver } from '@ostler/process';
import type { Folders, Logger, RuntimeDriver } from '@ostler/sdk';
import type { NativeOptions } from './config.ts';

/** Processes of this host: the argv is the worker's own command. */
export function nativeDriver(log: Logger, folders: Folders): RuntimeDriver<NativeOptions> {
  return processDriver<NativeOptions>({
    name: 'native',
    log,
    folders,
    command: ({ command = [] }) => command,
    check: (spec) =>
      spec.command === null || spec.command.length === 0
        ? [{ level: 'refused', field: 'command', text: 'a native worker needs command or shell: there is no image that could say what runs' }]
        : [],
  });
}
