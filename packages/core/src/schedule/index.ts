export { missedBetween, nextDue } from './cron.ts';
