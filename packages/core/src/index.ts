export { isProblem, type Place, type Problem, type ProblemCode, problem, problemCodes, problemText } from './base/problem.ts';
export * from './config/index.ts';
export type * from './store/records.ts';
export type * from './store/store.ts';
