export { Crew } from './crew.ts';
export { lacking } from './dependencies.ts';
export { startSlots } from './gate.ts';
export { newLife } from './life.ts';
export { sentence } from './moves.ts';
export { fromRecord, toRecord } from './record.ts';
export type { Applied, ProbeWatch, RuntimeAccess, Services } from './services.ts';
export { stateOf, verdictOf } from './state.ts';
export type { Supervisor } from './supervisor.ts';
