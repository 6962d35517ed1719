export { type Agent, type AgentOptions, startAgent } from './agent.ts';
export type { Control, EventsQuery, LogsQuery } from './api/control.ts';
export type {
  AgentDocument,
  ApplyRequest,
  DoctorDocument,
  DoctorFinding,
  DownRequest,
  EventRecord,
  EventsDocument,
  LogLine,
  OutcomeDocument,
  PlanDocument,
  PlanRequest,
  PlanStep,
  PluginsDocument,
  PsDocument,
  PsWorker,
  RunDocument,
  RuntimesDocument,
  StatsDocument,
  WireProblem,
  WorkerState,
} from './api/wire.ts';
export { systemClock } from './base/clock.ts';
export { type AgentLogger, createLogger, type LoggerOptions } from './base/logger.ts';
export { findPaths, noMemoryFolder, type Paths, type PathsInput } from './base/paths.ts';
export { isProblem, type Place, type Problem, type ProblemCode, problem, problemCodes, problemText } from './base/problem.ts';
export * from './config/index.ts';
export * from './plugin/index.ts';
export { forbiddenHere, portTroubles } from './reconcile/index.ts';
export * from './spec/index.ts';
export type * from './store/records.ts';
export type * from './store/store.ts';
