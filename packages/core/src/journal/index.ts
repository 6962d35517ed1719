export { openBus } from './bus.ts';
export { type EntryType, entries, type OfWorker } from './entries.ts';
export { type Journal, type JournalOptions, openJournal } from './journal.ts';
export type { WhyReport, WhyState } from './report.ts';
export { why } from './why.ts';
export { whyText } from './why-text.ts';
