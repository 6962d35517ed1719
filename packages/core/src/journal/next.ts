import type { JournalRecord, WorkerRecord } from '../store/index.ts';
import { durationText } from './duration-text.ts';
import { moment } from './moment.ts';
import type { WhyState } from './report.ts';

/** What happens next to a worker, and when, if nobody does anything. `own`: its entries, ascending. */
export function next(record: WorkerRecord, own: readonly JournalRecord[], state: WhyState): string {
  const { phase, want, nextTryAt } = record;
  const { at, rules, blind, runtime } = state;
  if (blind !== null)
    return `Nothing of it is started or stopped until ${runtime ?? 'its runtime'} answers again; that is asked over and over. If it runs, it runs on.`;
  if (want === 'removed') return 'It is taken away with all that is its own.';
  if (want === 'held' && ['idle', 'done', 'failed'].includes(phase))
    return 'Nothing: it stays down until it is started by hand, also when the agent or this host starts anew.';
  switch (phase) {
    case 'unresolved':
      return 'It is looked for every 2 s. Until it is known whether it is there, it is neither started nor stopped.';
    case 'waiting':
      return record.reason.startsWith('waiting for ')
        ? 'It is started as soon as that is so, by itself.'
        : 'It is started when its turn comes: this host starts only so many workers at once (agent.startConcurrency).';
    case 'preparing':
      return hasLeft(own)
        ? 'It is started when what it left running when it ended has ended too, which is asked to (stop.signal) and then killed.'
        : 'It is started when what it needs has been fetched and laid out.';
    case 'starting':
      return 'The answer of its runtime is waited for, 90 s at most.';
    case 'stopping':
      return `It is killed if it has not ended ${durationText(rules?.stop.graceMs ?? 10_000)} after it was asked to (stop.grace).`;
    case 'backoff':
      return nextTryAt === null ? 'It is started again.' : `It is started again at ${moment(nextTryAt, at)}.`;
    case 'failed':
      return state.nextDueAt === null ? 'Nothing: it stays down until it is started by hand, or its definition changes.' : due(state.nextDueAt, state);
    case 'done':
      if (state.nextDueAt !== null) return due(state.nextDueAt, state);
      return rules?.kind === 'job' ? 'Nothing: a job runs once for each definition.' : 'Nothing: by its restart policy it has done what it had to.';
    case 'idle':
      return state.nextDueAt === null ? 'Nothing: it is not due.' : due(state.nextDueAt, state);
    case 'running':
      return running(record, state);
  }
}

/** Whether its last instance did, and no other runs yet. */
const hasLeft = (own: readonly JournalRecord[]): boolean => {
  const last = (type: string): number => own.findLastIndex((one) => one.type === type);
  return last('worker.left-behind') > last('worker.started');
};

const due = (dueAt: string, { at, rules }: WhyState): string =>
  `It runs at ${moment(dueAt, at)}, by its schedule${rules?.schedule ? ` \`${rules.schedule.cron}\`` : ''}.`;

function running({ health }: WorkerRecord, { rules }: WhyState): string {
  if (rules === null) return 'Nothing: its definition is not known, so it is left as it is.';
  const { probes, retries, intervalMs, onUnhealthy } = rules.health;
  if (rules.kind !== 'service') return rules.restart.policy === 'never' ? 'It runs to its end.' : 'It runs to its end; where it fails, it is started again.';
  const restart = {
    always: 'When it ends, it is started again',
    'on-failure': 'When it fails, it is started again',
    'on-success': 'When it ends well, it is started again',
    never: 'When it ends, it stays down',
  };
  const policy = `${restart[rules.restart.policy]} (restart: ${rules.restart.policy}).`;
  if (probes.length === 0) return policy;
  const does =
    onUnhealthy === 'restart'
      ? 'restarted'
      : onUnhealthy === 'stop'
        ? 'stopped and held'
        : onUnhealthy === 'report'
          ? 'only reported'
          : `sent ${onUnhealthy === 'signal' ? 'SIGHUP' : onUnhealthy.signal}`;
  if (health === 'bad')
    return `It is probed on, every ${durationText(intervalMs)}, and otherwise left alone: an unhealthy one is ${does} (health.onUnhealthy).`;
  return `${policy} It is probed every ${durationText(intervalMs)}; after ${retries} failure${retries === 1 ? '' : 's'} in a row it is ${does} (health.onUnhealthy).`;
}
