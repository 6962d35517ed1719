// What an agent's process begins with, before it loads the rest of core.
export { startStoreThread } from './store/start-thread.ts';
