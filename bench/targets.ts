import { measures } from './measures.ts';
import { quantile, type Results } from './series.ts';

/** What ostler must reach in one measure. */
export interface Target {
  readonly measure: string;
  readonly workers: number;
  readonly must: string;
  /** `null`: the run has not measured what it takes to say. */
  readonly isMet: boolean | null;
}

const us = 'ostler';
const bareNode = 'floor: Node idle';

export function targets(results: Results): readonly Target[] {
  const of = (measure: string, workers: number, who = us): number | null => results.median(measure, workers, who);
  const all: Target[] = [];
  /** `bound`: highest that is allowed. */
  const most = (measure: string, workers: number, must: string, bound: number | null): void => {
    const mine = of(measure, workers);
    if (results.find(measure, workers, us) !== undefined)
      all.push({ measure, workers, must, isMet: mine === null ? false : bound === null ? null : mine <= bound });
  };
  const plus = (a: number | null, b: number): number | null => (a === null ? null : a + b);

  most(measures.start, 1, 'at most 100 ms above a bare Node that starts one process', plus(of(measures.start, 1, 'floor: Node spawn'), 100));
  most(measures.start, 100, 'at most 300 ms', 300);
  most(measures.start, 1000, 'at most 900 ms', 900);
  most(measures.start, 1000, 'ahead of s6', of(measures.start, 1000, 's6'));
  for (const slow of ['pm2', 'supervisord']) {
    const theirs = of(measures.start, 1000, slow);
    most(measures.start, 1000, `at least 7 times faster than ${slow}`, theirs === null ? null : theirs / 7);
  }
  most(measures.crash, 100, 'at most 3 ms (p50)', 3);
  most(measures.crash, 100, 'faster than pm2', of(measures.crash, 100, 'pm2'));
  most(measures.atOnce, 100, 'at most 150 ms', 150);
  for (const n of [1, 100, 1000]) {
    most(
      measures.supervisorUss,
      n,
      'at most 35 MB above a bare Node, and 20 KB per worker',
      plus(of(measures.supervisorUss, n, bareNode), (35e6 + 20e3 * n) / 1024),
    );
    most(measures.holderUss, n, 'at most 60 KB', 60);
  }
  most(measures.idle, 1000, 'at most 100 ms', 100);
  const mine = of(measures.logRate, 1);
  if (mine !== null) {
    const s6 = of(measures.logRate, 1, 's6');
    all.push({
      measure: measures.logRate,
      workers: 1,
      must: 'at least 2 M lines/s, or 0.8 of s6',
      isMet: mine >= 2 || (s6 === null ? null : mine >= 0.8 * s6),
    });
  }
  most(measures.logLost, 1, 'none', 0);
  most(measures.recovery, 100, 'at most 500 ms', 500);
  most(measures.startedTwice, 100, 'none', 0);
  most(measures.apply, 1000, 'at most 100 ms', 100);
  for (const n of [1, 1000]) most(measures.ps, n, 'at most 120 ms', 120);
  most(measures.probeCpu, 1000, 'at most 10 %', 10);
  most(measures.probeShare, 1000, 'at most 4 %', 4);
  most(measures.probeVerdict, 1000, 'at most 20 ms (p50)', 20);
  const underLoad = results.find(measures.loadCrash, 1000, us);
  if (underLoad !== undefined) {
    const { values } = underLoad;
    all.push({ measure: measures.loadCrash, workers: 1000, must: 'at most 100 ms (p99)', isMet: values.length > 0 && quantile(values, 0.99) <= 100 });
  }
  return all;
}
