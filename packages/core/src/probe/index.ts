export { answerOf } from './exec.ts';
export { Prober } from './prober.ts';
