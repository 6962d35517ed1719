export { answerOf } from './exec.ts';
export type { ProbeHost, Verdict, WatchGiven } from './health-watch.ts';
export type { ExecAnswer, ExecInWorker, ProvidedProbe } from './prepared.ts';
export { Prober, type ProberGiven } from './prober.ts';
