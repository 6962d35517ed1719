import { measures } from './measures.ts';
import { quantile, type Results, type Series } from './series.ts';
import { type Target, targets } from './targets.ts';

/** The figures as text: a block for each measure and number of workers, a line for each contender. */
export function table(results: Results): string {
  const wanted = targets(results);
  const blocks = Object.values(measures).flatMap((measure) => {
    const some = results.all.filter((one) => one.measure === measure);
    const sizes = [...new Set(some.map(({ workers }) => workers))].sort((a, b) => a - b);
    return sizes.map((workers) =>
      block(
        measure,
        workers,
        some.filter((one) => one.workers === workers),
        wanted,
      ),
    );
  });
  return blocks.join('\n\n');
}

function block(measure: string, workers: number, some: readonly Series[], wanted: readonly Target[]): string {
  const ours = some.find(({ contender }) => contender === 'ostler');
  const base = ours === undefined || ours.values.length === 0 ? null : quantile(ours.values, 0.5);
  const lines = some.map((one) => line(one, base, tails[measure] ?? null));
  const must = wanted
    .filter((target) => target.measure === measure && target.workers === workers)
    .map(({ must: text, isMet }) => `    must reach: ${text}: ${isMet === null ? 'cannot be told from this run' : isMet ? 'met' : 'MISSED'}`);
  return [`${measure} · ${workers} worker${workers === 1 ? '' : 's'}`, ...lines, ...must].join('\n');
}

function line({ contender, values, notes, failed, load }: Series, base: number | null, tail: number | null): string {
  const name = `  ${contender.padEnd(18)}`;
  const more = notes.length > 0 ? `  (${notes.join('; ')})` : '';
  const failure = failed === null ? '' : `  FAILED: ${failed.replace(/\s+/g, ' ').slice(0, 400)}`;
  if (values.length === 0) return `${name}${'–'.padStart(10)}${failure}${more}`;
  const median = quantile(values, 0.5);
  const range = `[${figure(Math.min(...values))}..${figure(Math.max(...values))}]`;
  const high = tail === null ? '' : ` p${100 * tail} ${figure(quantile(values, tail))}`;
  const ratio = base === null || base === 0 ? '' : `${(median / base).toFixed(2)}×`;
  return `${name}${figure(median).padStart(10)} ${(range + high).padEnd(34)} n=${String(values.length).padEnd(3)} ${ratio.padStart(8)}  load ${loads(load)}${failure}${more}`;
}

/** The quantile that is told beside the median. */
const tails: Readonly<Record<string, number>> = { [measures.crash]: 0.95, [measures.probeVerdict]: 0.95, [measures.loadCrash]: 0.99 };

const loads = (load: readonly number[]): string => `${Math.min(...load).toFixed(1)}..${Math.max(...load).toFixed(1)}`;

/** Three digits that count. */
const figure = (value: number): string => (Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2));
