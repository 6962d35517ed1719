export { Revealer } from './revealer.ts';
