import type { Verb, VerbOption } from './verb.ts';

const wait: VerbOption = { flags: '--wait <duration>', description: 'for how long to wait for the outcome (default: 2m)', as: 'duration', into: 'waitMs' };
const profile: VerbOption = { flags: '--profile <name...>', description: 'also run the workers of this profile' };
const only: VerbOption = { flags: '--worker <name...>', description: 'only these workers', into: 'workers', completes: 'workers' };
const file: VerbOption = { flags: '--file <hostfile>', description: 'this host file instead of the one the agent runs', completes: 'files' };
const byHand = { args: '<worker...>', needs: 'agent', completes: 'workers', options: [wait] } as const;

/** Every verb. The same table makes the command line, its help and the completion scripts. */
export const verbs: readonly Verb[] = [
  {
    name: 'up',
    summary: 'run the agent in the foreground, or apply and attach to the one that runs',
    options: [profile, { flags: '-d, --detach', description: 'return when every worker is well, or is not' }, wait],
    needs: 'core',
    load: () => import('./core-verbs/up.ts'),
  },
  {
    name: 'serve',
    summary: 'run the agent as a service; its end leaves the workers running',
    options: [profile],
    needs: 'core',
    load: () => import('./core-verbs/serve.ts'),
  },
  {
    name: 'down',
    summary: 'stop every worker and hold it until `up` or `start`',
    options: [{ flags: '--agent', description: 'stop the agent alone: workers run on' }, wait],
    needs: 'agent',
    load: () => import('./verbs/down.ts'),
  },
  { name: 'init', summary: 'write a commented host file for this host', options: [], needs: 'core', load: () => import('./core-verbs/init.ts') },
  { name: 'check', summary: 'check the host file against this host; touches nothing', options: [], needs: 'core', load: () => import('./core-verbs/check.ts') },
  {
    name: 'plan',
    summary: 'what `apply` would change, and why',
    options: [
      file,
      { flags: '--out <planfile>', description: 'keep the plan, for `apply PLANFILE`', completes: 'files' },
      only,
      { flags: '--detailed-exitcode', description: 'exit 10 when there are changes', into: 'detailedExitCode' },
    ],
    needs: 'agent',
    load: () => import('./verbs/plan.ts'),
  },
  {
    name: 'apply',
    summary: 'make it so, or exactly what a kept plan says, and wait for the outcome',
    args: '[planfile]',
    options: [file, only, wait, { flags: '--allow-remove', description: 'even if every worker or more than half would go' }],
    needs: 'agent',
    completes: 'files',
    load: () => import('./verbs/apply.ts'),
  },
  {
    name: 'ps',
    summary: 'the workers, one line each',
    options: [{ flags: '-f, --follow', description: 'keep it up to date, with CPU and memory' }],
    needs: 'agent',
    streams: 'followed',
    load: () => import('./verbs/ps.ts'),
  },
  {
    name: 'logs',
    summary: 'what workers printed; all of them if none is named',
    args: '[worker...]',
    options: [
      { flags: '-f, --follow', description: 'go on with what comes' },
      { flags: '--since <time>', description: 'from then on: 10m (ago) or 2026-01-31T08:00:00Z' },
      { flags: '-n, --tail <lines>', description: 'only so many lines from the end, of each worker', as: 'count', into: 'tailLines' },
      { flags: '-t, --timestamps', description: 'put the time before each line' },
      { flags: '--instance <id>', description: 'only of this start of the worker' },
    ],
    needs: 'agent',
    completes: 'workers',
    streams: 'always',
    load: () => import('./verbs/logs.ts'),
  },
  {
    name: 'why',
    summary: 'why a worker is as it is: each start, stop and restart with its cause',
    args: '<worker>',
    options: [],
    needs: 'agent',
    completes: 'workers',
    load: () => import('./verbs/why.ts'),
  },
  {
    name: 'events',
    summary: 'what happened, from the journal',
    options: [
      { flags: '-f, --follow', description: 'go on with what comes' },
      { flags: '--since <cursor>', description: 'everything after this one' },
      { flags: '--worker <name>', description: 'only of this worker', completes: 'workers' },
    ],
    needs: 'agent',
    streams: 'always',
    load: () => import('./verbs/events.ts'),
  },
  { name: 'start', summary: 'start workers and lift their hold', ...byHand, load: () => import('./verbs/start.ts') },
  { name: 'stop', summary: 'stop workers; they stay stopped until `start`', ...byHand, load: () => import('./verbs/stop.ts') },
  { name: 'restart', summary: 'restart workers', ...byHand, load: () => import('./verbs/restart.ts') },
  {
    name: 'run',
    summary: 'run a job, or a worker with a schedule, now and wait for its end; its exit code is passed on (125: ours)',
    args: '<worker>',
    options: [],
    needs: 'agent',
    completes: 'workers',
    load: () => import('./verbs/run.ts'),
  },
  {
    name: 'kill',
    summary: 'send a signal to a worker',
    args: '<worker>',
    options: [{ flags: '-s, --signal <signal>', description: 'name or number (default: SIGTERM)' }],
    needs: 'agent',
    completes: 'workers',
    load: () => import('./verbs/kill.ts'),
  },
  {
    name: 'exec',
    summary: 'run a command where a worker runs; its exit code is passed on (125: ours)',
    args: '<worker> <command...>',
    options: [
      { flags: '-T, --no-tty', description: 'no terminal, even if this is one' },
      { flags: '-u, --user <user>', description: 'as this user' },
    ],
    needs: 'agent',
    completes: 'workers',
    passesOn: true,
    load: () => import('./verbs/exec.ts'),
  },
  { name: 'config', summary: 'the merged host file with the origin of each value', options: [], needs: 'core', load: () => import('./core-verbs/config.ts') },
  { name: 'runtimes', summary: 'what this host offers, and why not', options: [], needs: 'core', load: () => import('./core-verbs/runtimes.ts') },
  { name: 'plugins', summary: 'what is loaded, and from where', options: [], needs: 'core', load: () => import('./core-verbs/plugins.ts') },
  { name: 'doctor', summary: 'findings about this host, each with what to do', options: [], needs: 'core', load: () => import('./core-verbs/doctor.ts') },
  { name: 'schema', summary: 'the JSON Schema of the host file', options: [], needs: 'core', load: () => import('./core-verbs/schema.ts') },
  {
    name: 'completion',
    summary: 'print a completion script for bash, zsh or fish',
    args: '<shell>',
    options: [],
    needs: 'nothing',
    completes: 'shells',
    load: () => import('./verbs/completion.ts'),
  },
  {
    name: '__complete',
    summary: 'names for completion scripts',
    args: '<what>',
    options: [],
    needs: 'agent',
    isHidden: true,
    load: () => import('./verbs/complete.ts'),
  },
];

/** Options that every verb takes. */
export const commonOptions: readonly VerbOption[] = [
  { flags: '--config <hostfile>', description: 'the host file ($OSTLER_CONFIG)', completes: 'files' },
  { flags: '--data-dir <folder>', description: 'where the agent keeps its state ($OSTLER_DATA_DIR)', completes: 'files' },
  { flags: '--socket <path>', description: 'the agent’s socket ($OSTLER_SOCKET)', completes: 'files' },
  { flags: '--json', description: 'one JSON document; a line each for streams' },
  { flags: '--quiet', description: 'results and errors only' },
];
