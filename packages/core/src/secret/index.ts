export { revealSecrets } from './reveal.ts';
