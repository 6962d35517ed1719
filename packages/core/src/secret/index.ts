export { type Revealed, type RevealGiven, revealSecrets } from './reveal.ts';
