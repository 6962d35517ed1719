import type { WorkerRecord } from '../store/index.ts';
import type { End } from './end.ts';
import type { Advice, WhyState } from './report.ts';

interface Known {
  readonly end: End | null;
  /** Its run was, and nothing is to be mended. */
  readonly isCalledOff: boolean;
}

/** What a person can do now; `null`: nothing is to be done. */
export function advise(record: WorkerRecord, { end, isCalledOff }: Known, state: WhyState): Advice | null {
  const { worker, phase, want, heldBy } = record;
  const of = (verb: string, what: string, more = ''): Advice => ({ command: `ostler ${verb} ${worker}${more}`, what });
  const doctor: Advice = { command: 'ostler doctor', what: `says what keeps ${state.runtime ?? 'its runtime'} from answering` };
  const logs = (what: string): Advice => of('logs', what, ' -n 50');
  const once = of('start', state.rules?.kind === 'cron' ? 'runs it now, beside its schedule' : 'runs it once more');
  if (want === 'removed') return null;
  if (state.blind !== null || phase === 'unresolved') return doctor;
  if (want === 'held' && ['idle', 'done', 'failed'].includes(phase))
    return of('start', heldBy === 'health' ? 'starts it, once what made its probes fail is mended' : 'lifts the hold and starts it');
  switch (phase) {
    case 'waiting':
      return waiting(record, state, doctor);
    case 'preparing':
    case 'starting':
    case 'stopping':
      return { command: 'ostler ps -f', what: 'shows how it goes on' };
    case 'failed':
      return isCalledOff ? once : of('start', 'starts it again, once the cause above is mended');
    case 'backoff':
      return afterEnd(end, of, logs);
    case 'done':
    case 'idle':
      return once;
    case 'running':
      if (record.health === 'bad') return logs('shows what it printed while its probes failed');
      if (record.failures > 0 && end !== null && end.kind !== 'start-failed' && end.kind !== 'build-failed' && !state.isPending)
        return logs('shows what it printed, the run before included');
      return state.isPending ? { command: 'ostler plan', what: 'shows what the saved host file would change of it: that is not applied yet' } : null;
  }
}

function afterEnd(end: End | null, of: (verb: string, what: string) => Advice, logs: (what: string) => Advice): Advice {
  switch (end?.kind) {
    case 'build-failed':
      return { command: 'ostler apply', what: 'builds it as its folder is by then: mend that first' };
    case 'start-failed':
      return of('start', 'tries at once, when the cause above is mended');
    case 'memory':
      return { command: 'ostler apply', what: 'applies a higher limits.memory, once that is in the host file' };
    case 'unhealthy':
      return logs('shows what it printed while its probes failed');
    default:
      return logs('shows what it printed before it ended');
  }
}

/** The root of what it waits for is what can be mended. */
function waiting({ reason }: WorkerRecord, { waitsFor, runtime }: WhyState, doctor: Advice): Advice {
  const root = waitsFor?.now?.advice ?? null;
  if (root !== null) return root;
  if (reason.includes('which is not on this host')) return { command: 'ostler apply', what: 'brings that worker, once the host file has it' };
  if (reason.includes('its definition, which is not known')) return { command: 'ostler apply', what: 'brings its definition from the host file' };
  if (reason.startsWith(`waiting for the runtime ${runtime}`) || reason.startsWith('waiting for sight')) return doctor;
  return { command: 'ostler ps -f', what: 'shows how it goes on' };
}
