import type { WorkerSpec } from '@ostler/sdk';
import { checkCommand, checkWorkingDir } from '../launch/command-path.ts';
import { commandSpec, type ProcessDriverOptions } from './options.ts';
import { accountOf, basicEnvironment } from './start.ts';

/**
 * What would make every start of this worker fail on this host, found out before anything is stopped for it: an unknown user, a missing working
 * directory, a command that is not there. Throws `invalid` or `not-found`.
 */
export async function preflight<Options>(options: ProcessDriverOptions<Options>, spec: WorkerSpec<Options>): Promise<void> {
  const account = await accountOf(spec.user, spec.groups);
  const cwd = spec.workingDir ?? spec.baseDir;
  const given: Readonly<Record<string, string>> = { ...basicEnvironment(account), ...options.env?.(commandSpec(spec)), ...spec.env };
  checkWorkingDir(cwd);
  checkCommand(options.command(commandSpec(spec))[0], cwd, given['PATH'] ?? '');
}
