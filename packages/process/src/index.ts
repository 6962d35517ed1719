export type { CommandSpec, ProcessDriverOptions, ProgramFacts } from './driver/options.ts';
export { processDriver } from './driver/process-driver.ts';
export { versionOf } from './driver/version.ts';
export { type Notifier, openNotifier } from './holder/compiled/notifier.ts';
export type { Begun, Holder, HolderStart, Takeover } from './holder/holder.ts';
