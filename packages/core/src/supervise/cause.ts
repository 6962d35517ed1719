/** Every reason for which the agent stops an instance: persisted with the intent, told by `why`. */
export const stopCauses = {
  held: 'it was asked to stop and stays stopped until it is started by hand',
  down: 'everything on this host was asked to stop',
  removed: 'it is no longer in the host file',
  changed: 'its definition changed',
  restart: 'a restart was asked for',
  unhealthy: 'its probes failed',
  dependency: 'a worker that it depends on has ended or was started anew',
  replaced: 'its next run is due',
  timeout: 'it ran longer than its schedule allows',
  cancelled: 'this run of it was called off',
  memory: 'it used more memory than its restart rule allows',
  age: 'it is as old as its restart rule lets it become',
  at: 'it is restarted at this time',
  shutdown: 'the agent is being ended together with its workers',
} as const;
export type StopCause = keyof typeof stopCauses;

/** Every reason for which an instance is started. */
export const startCauses = {
  declared: 'it is in the host file',
  changed: 'its definition changed',
  user: 'a start was asked for',
  restart: 'a restart was asked for',
  exited: 'the last one ended',
  'start-failed': 'the last start failed',
  unhealthy: 'the last one was unhealthy',
  dependency: 'a worker that it depends on was started anew',
  due: 'it is due',
  engine: 'it had ended together with its engine',
  run: 'a run was asked for',
  memory: 'the last one used too much memory',
  age: 'the last one had reached its age',
  at: 'it is restarted at this time',
  again: 'whether the last start happened was not known, and nothing of it is there',
} as const;
export type StartCause = keyof typeof startCauses;

/** Asked for by somebody, or by the schedule: another run. After the other causes the one before goes on. */
export const beginsRun: ReadonlySet<StartCause> = new Set(['due', 'run', 'user', 'restart']);
