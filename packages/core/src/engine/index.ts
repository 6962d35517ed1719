export { type EngineGiven, type EngineWatch, watchEngine } from './watch.ts';
