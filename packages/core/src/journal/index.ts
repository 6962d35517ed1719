export { type Bus, type Delivery, openBus } from './bus.ts';
export { type EntryType, entries, type OfWorker } from './entries.ts';
export { type FollowOptions, type Journal, type JournalOptions, openJournal } from './journal.ts';
export { type WhyEntry, type WhyReport, type WhyState, why } from './why.ts';
export { whyText } from './why-text.ts';
