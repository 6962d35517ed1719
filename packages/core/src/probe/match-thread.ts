// The thread in which patterns meet what workers print: one that takes for ever is ended from outside, and the agent's loop never waits for it.
import { parentPort } from 'node:worker_threads';
import { find } from './match.ts';

parentPort?.on('message', (question) => parentPort?.postMessage(find(question)));
// It has loaded.
parentPort?.postMessage(null);
