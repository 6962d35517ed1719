import { z } from 'zod';

// What goes over the control socket. Enums may grow, fields never change type, absent is null. Times are RFC 3339.

const time = z.string();
const place = z.object({ file: z.string(), line: z.int(), column: z.int() });

/** What an error answers with; `exitCode` is what the command ends with. */
export interface WireProblem {
  readonly code: string;
  readonly message: string;
  readonly exitCode?: number | undefined;
  readonly hint?: string | undefined;
  readonly place?: { readonly file: string; readonly line: number; readonly column: number } | undefined;
  readonly others?: readonly WireProblem[] | undefined;
}
export const wireProblem: z.ZodType<WireProblem> = z.object({
  code: z.string(),
  message: z.string(),
  exitCode: z.int().optional(),
  hint: z.string().optional(),
  place: place.optional(),
  get others() {
    return z.array(wireProblem).optional();
  },
});

export const workerStates = [
  'waiting',
  'preparing',
  'starting',
  'running',
  'healthy',
  'unhealthy',
  'stopping',
  'backoff',
  'crash-looping',
  'stopped',
  'done',
  'failed',
  'unknown',
] as const;
export type WorkerState = (typeof workerStates)[number];

const exit = z.object({
  code: z.int().nullable(),
  signal: z.string().nullable(),
  at: time.nullable(),
  oom: z.enum(['main', 'inside', 'no', 'unknown']),
  evidence: z.enum(['engine', 'holder', 'inferred', 'none']),
});

export const psWorker = z.object({
  name: z.string(),
  runtime: z.string().nullable(),
  kind: z.enum(['service', 'job', 'cron']),
  state: z.enum(workerStates),
  want: z.enum(['run', 'held', 'removed']),
  heldBy: z.string().nullable(),
  health: z.enum(['none', 'starting', 'ok', 'bad']),
  generation: z.int().nullable(),
  since: time,
  instance: z.string().nullable(),
  image: z.string().nullable(),
  /** Where it runs, for people. */
  native: z.object({ pid: z.int().nullable() }).nullable(),
  restarts: z.int(),
  startedAt: time.nullable(),
  nextTryAt: time.nullable(),
  /** One plain sentence: why it is in this state. */
  reason: z.string(),
  /** Of the last instance that ended; null while none has. */
  exit: exit.nullable(),
  ports: z.array(z.object({ name: z.string(), port: z.int(), publish: z.object({ address: z.string(), port: z.int() }).nullable(), protocol: z.string() })),
  /** Plain statements: `limits.memory is not enforced on this host: …`. */
  unenforced: z.array(z.string()),
  /** The saved host file says something else; `ostler plan` shows what. */
  pendingChange: z.boolean(),
});
export type PsWorker = z.infer<typeof psWorker>;

export const psEngine = z.object({ runtime: z.string(), state: z.enum(['starting', 'up', 'down']), since: time, reason: z.string().nullable() });

export const psDocument = z.object({
  version: z.literal(1),
  agent: z.string(),
  host: z.string(),
  engines: z.array(psEngine),
  workers: z.array(psWorker),
});
export type PsDocument = z.infer<typeof psDocument>;

/** Rates of a worker since the last look; null = this host does not tell. */
export const statsDocument = z.object({
  version: z.literal(1),
  workers: z.array(z.object({ name: z.string(), cpuNs: z.number().nullable(), memoryBytes: z.number().nullable(), ioBytes: z.number().nullable() })),
});
export type StatsDocument = z.infer<typeof statsDocument>;

export const agentDocument = z.object({
  version: z.literal(1),
  agent: z.string(),
  host: z.string(),
  /** Of ostler. */
  release: z.string(),
  pid: z.int(),
  mode: z.enum(['up', 'serve']),
  startedAt: time,
  hostFile: z.string().nullable(),
  dataDir: z.string(),
  socket: z.string(),
  /** A saved host file that cannot be read; the agent goes on with the one before. */
  hostFileProblem: wireProblem.nullable(),
});
export type AgentDocument = z.infer<typeof agentDocument>;

export const runtimesDocument = z.object({
  version: z.literal(1),
  runtimes: z.array(
    z.object({
      name: z.string(),
      class: z.enum(['container', 'process', 'cluster']),
      plugin: z.string(),
      state: z.enum(['starting', 'up', 'down']),
      since: time,
      /** Why not, when it is not up. */
      reason: z.string().nullable(),
      engineName: z.string().nullable(),
      engineVersion: z.string().nullable(),
      limits: z.record(z.string(), z.enum(['hard', 'soft', 'none'])).nullable(),
      outlives: z.object({ agent: z.boolean(), engine: z.boolean() }).nullable(),
      notes: z.array(z.string()),
    }),
  ),
});
export type RuntimesDocument = z.infer<typeof runtimesDocument>;

export const pluginsDocument = z.object({
  version: z.literal(1),
  plugins: z.array(
    z.object({
      id: z.string(),
      use: z.string(),
      /** Folder or file it was loaded from. */
      from: z.string(),
      release: z.string().nullable(),
      contributes: z.array(z.string()),
      state: z.enum(['ready', 'failed']),
      problem: z.string().nullable(),
    }),
  ),
});
export type PluginsDocument = z.infer<typeof pluginsDocument>;

export const stepKinds = ['add', 'change', 'remove', 'keep'] as const;
export const planStep = z.object({
  worker: z.string(),
  kind: z.enum(stepKinds),
  runtime: z.string().nullable(),
  /** Generation it has and would have. */
  from: z.int().nullable(),
  to: z.int().nullable(),
  /** True when the step stops what runs now. */
  restarts: z.boolean(),
  /** One plain sentence. */
  why: z.string(),
  changes: z.array(z.object({ field: z.string(), before: z.string().nullable(), after: z.string().nullable() })),
  /** What stops the plan. */
  refused: z.array(z.string()),
  unenforced: z.array(z.string()),
});
export type PlanStep = z.infer<typeof planStep>;

export const planDocument = z.object({
  version: z.literal(1),
  hostFile: z.string(),
  /** Of desired and present state: `apply` of a saved plan is refused when it differs. */
  digest: z.string(),
  /** One a worker; all `keep` = no changes. */
  steps: z.array(planStep),
  warnings: z.array(z.string()),
  /** It removes every worker or more than half. */
  needsAllowRemove: z.boolean(),
});
export type PlanDocument = z.infer<typeof planDocument>;

export const planRequest = z.strictObject({ hostFile: z.string().max(4096).optional(), workers: z.array(z.string().max(63)).max(1000).optional() });
export type PlanRequest = z.infer<typeof planRequest>;

const waitMs = z.int().min(0).max(3_600_000);

export const applyRequest = planRequest.extend({
  /** Of a plan: anything else is refused. */
  digest: z.string().max(200).optional(),
  allowRemove: z.boolean().default(false),
  /** Lifts holds too: what `up` does. */
  release: z.boolean().default(false),
  waitMs: waitMs.default(120_000),
});
export type ApplyRequest = z.input<typeof applyRequest>;

/**
 * How a change came out. `done`: every worker it touched is well (healthy, done, held, or running where nothing more can be known).
 * `failed`: one is not (failed, crash-looping, unhealthy, backoff). `not-finished`: the time is over.
 */
export const outcomes = ['done', 'failed', 'not-finished', 'rolled-back'] as const;
export const outcomeDocument = z.object({
  version: z.literal(1),
  outcome: z.enum(outcomes),
  message: z.string(),
  steps: z.array(planStep),
  /** The workers it was about, as they are now. */
  workers: z.array(psWorker),
});
export type OutcomeDocument = z.infer<typeof outcomeDocument>;

/** How a run of a job, or of a worker with a schedule, goes. `run` and `after`: to be asked on with. */
export const runDocument = z.object({
  version: z.literal(1),
  worker: z.string(),
  /** Which run of the worker it is. The next one, which its schedule may have begun meanwhile, is another. */
  run: z.int(),
  /** The instance of this run that has begun since the one that was named, or the last that ended; null = none has. */
  instance: z.string().nullable(),
  after: z.string().nullable(),
  /** Of the worker, which may be in its next run already. */
  state: z.enum(workerStates),
  /** It is done, failed, or was called off: nothing of it comes any more. */
  isOver: z.boolean(),
  /** Of that instance, else of the one that was named; null while it runs, or where neither is of this run. */
  exit: exit.nullable(),
  /** Why the agent stopped that instance; null = it did not. */
  stopped: z.string().nullable(),
  /** One plain sentence: why it is in this state. */
  reason: z.string(),
});
export type RunDocument = z.infer<typeof runDocument>;

export const handRequest = z.strictObject({ waitMs: waitMs.default(120_000) });
/** `run`: the one that is meant; without it, the one that is under way. */
export const cancelRequest = handRequest.extend({ run: z.int().nonnegative().optional() });
export const killRequest = z.strictObject({ signal: z.string().max(20).default('SIGTERM') });
/** `agent`: stops the agent alone, workers run on and nothing is held. */
export const downRequest = z.strictObject({ agent: z.boolean().default(false), waitMs: waitMs.default(120_000) });
export type DownRequest = z.input<typeof downRequest>;

export const eventRecord = z.object({
  cursor: z.string(),
  at: time,
  type: z.string(),
  worker: z.string().nullable(),
  instance: z.string().nullable(),
  text: z.string(),
  data: z.json(),
});
export type EventRecord = z.infer<typeof eventRecord>;
export const eventsDocument = z.object({ version: z.literal(1), events: z.array(eventRecord) });
export type EventsDocument = z.infer<typeof eventsDocument>;

/** One line of a log stream (NDJSON). `data`: base64. `gap`: bytes lost, null = how many is unknown. */
export const logLine = z.object({
  type: z.enum(['log', 'gap', 'instance', 'problem']),
  cursor: z.string().nullable(),
  at: time.nullable(),
  worker: z.string(),
  instance: z.string().nullable(),
  stream: z.enum(['stdout', 'stderr']).nullable(),
  data: z.string().nullable(),
  gap: z.int().nullable(),
  message: z.string().nullable(),
});
export type LogLine = z.infer<typeof logLine>;

export const doctorFinding = z.object({
  level: z.enum(['ok', 'note', 'warning', 'error']),
  area: z.string(),
  text: z.string(),
  /** What to do. */
  fix: z.string().nullable(),
});
export type DoctorFinding = z.infer<typeof doctorFinding>;
export const doctorDocument = z.object({ version: z.literal(1), findings: z.array(doctorFinding) });
export type DoctorDocument = z.infer<typeof doctorDocument>;
