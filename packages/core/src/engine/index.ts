export { type EngineGiven, type EngineState, type EngineWatch, watchEngine } from './watch.ts';
