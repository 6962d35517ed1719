export type { CommandSpec, ProcessDriverOptions, ProgramFacts } from './driver/options.ts';
export { processDriver } from './driver/process-driver.ts';
export { versionOf } from './driver/version.ts';
export type { Holder, HolderStart } from './holder/holder.ts';
export { shHolder } from './holder/sh-holder.ts';
