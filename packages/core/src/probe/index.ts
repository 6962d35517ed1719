export { answerOf } from './exec.ts';
export { type EngineHealth, type LastCheck, Opinion } from './opinion.ts';
export { Prober } from './prober.ts';
