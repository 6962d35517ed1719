import { statfsSync } from 'node:fs';
import type { DoctorDocument, DoctorFinding } from '../api/wire.ts';
import type { Parts } from './parts.ts';

/** Less than a store and a few log lines need. */
const fewBytes = 4 << 20;

function isAlmostFull(path: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize < fewBytes;
  } catch {
    return false;
  }
}

/** What only the agent itself knows of its health; the command adds what can be seen from outside. */
export function doctor(parts: Parts): DoctorDocument {
  const found = (level: DoctorFinding['level'], area: string, text: string, fix: string | null = null): DoctorFinding => ({ level, area, text, fix });
  const hostFile = parts.hostFileProblem();
  return {
    version: 1,
    findings: [
      ...[...parts.hosting.runtimes.values()].map((runtime) => {
        const { state, reason } = runtime.state();
        const { name } = runtime.hosted;
        return state === 'up'
          ? found('ok', 'runtime', `${name} answers`)
          : found(
              'warning',
              'runtime',
              `${name} is ${state}: ${reason ?? 'no answer yet'}`,
              `see what keeps ${name} from answering; its workers are left alone meanwhile`,
            );
      }),
      ...[...parts.hosting.runtimes.values()].flatMap((runtime) =>
        (runtime.state().facts?.notes ?? []).map((note) =>
          found(note.startsWith('degraded') ? 'warning' : 'note', 'runtime', `${runtime.hosted.name}: ${note}`),
        ),
      ),
      ...parts
        .plugins()
        .flatMap(({ id, state, problem }) =>
          state === 'failed' ? [found('error', 'plugin', `${id} failed: ${problem ?? 'unknown'}`, 'mend or remove it, then restart the agent')] : [],
        ),
      ...parts.stuck
        .list()
        .map(({ name, plugin, since }) =>
          found(
            'error',
            'call',
            `${name} has not come back since ${since}${plugin === null ? '' : ` (plugin ${plugin})`}`,
            'the call goes on in the plugin; restart the agent if it never ends: workers run on',
          ),
        ),
      ...(parts.isStoreFull()
        ? [found('error', 'disk', `the disk of ${parts.paths.dataDir} is full: restarts go on, changes wait`, 'free some room there')]
        : isAlmostFull(parts.paths.dataDir)
          ? [
              found(
                'warning',
                'disk',
                `the disk of ${parts.paths.dataDir} is almost full: workers run on, what they log is lost and counted`,
                'free some room there',
              ),
            ]
          : []),
      ...parts.notes().map((note) => found('note', 'data', note)),
      ...(hostFile === null
        ? []
        : [
            found(
              'error',
              'host file',
              `the saved host file cannot be used: ${hostFile.message}`,
              hostFile.hint ?? 'mend it; the agent goes on with the one before',
            ),
          ]),
      ...(parts.pending().size > 0
        ? [found('note', 'host file', `saved and not applied yet: ${[...parts.pending()].join(', ')}`, '`ostler plan` shows it, `ostler apply` does it')]
        : []),
    ],
  };
}
