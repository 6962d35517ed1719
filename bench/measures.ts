/** The names of what is measured, as the table prints them and the targets look them up. */
export const measures = {
  start: 'exec of the supervisor to its last worker running, ms',
  crash: 'kill -9 of a worker to its successor running, ms',
  atOnce: '100 workers killed at once to all running again, ms',
  supervisorUss: 'supervisor, idle, USS KiB',
  supervisorPss: 'supervisor, idle, PSS KiB',
  holderUss: 'what holds a worker and its log, USS KiB per worker',
  holderPss: 'what holds a worker and its log, PSS KiB per worker',
  idle: 'idle CPU of supervisor and holders, ms per 30 s',
  logRate: 'one worker flat out, million lines of 100 bytes per s',
  logLost: 'one worker flat out, lines lost',
  logCpu: 'one worker flat out, CPU of supervisor and holders, ms per million lines',
  recovery: 'supervisor killed, exec of the next to all supervised, ms',
  startedTwice: 'supervisor killed and started again, workers that ran a second time',
  apply: 'apply with nothing to do, ms in the agent',
  ps: 'ps, exec to exit, ms',
} as const;
