export { startCauses, stopCauses } from './cause.ts';
export { Crew, type CrewGiven } from './crew.ts';
export { type Life, type LifeEvent, newLife } from './life.ts';
export { fromRecord, toRecord } from './record.ts';
export type { Applied, ProbeWatch, RuntimeAccess, Services } from './services.ts';
export { stateOf, verdictOf, type WorkerState } from './state.ts';
export type { Supervisor } from './supervisor.ts';
