export type { Builtin, Loaded, Use } from './load.ts';
export { type LoadGiven, loadPlugins, type PluginSet } from './plugin-set.ts';
export type { Failure, SetUp, SetUpGiven } from './set-up.ts';
