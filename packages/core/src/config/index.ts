export { explain, maskedJson, type Origin } from './explain.ts';
export { findHostFile, shortHostName, type Where } from './find.ts';
export { type CheckOptions, checkWorkers, type HostConfig, type LoadOptions, loadHostFile, type WorkerConfig } from './host-config.ts';
export { type PluginUse, type ReadHostFile, type ReadOptions, readHostFile } from './host-file.ts';
export { hostFileJsonSchema } from './json-schema.ts';
export { notYet } from './not-yet.ts';
export { refuseUntrusted } from './read.ts';
export type { AgentSettings } from './schema.ts';
export type { Facts } from './vars.ts';
