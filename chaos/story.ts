import type { Span } from './acts.ts';
import type { Instance, World } from './world.ts';

interface Line {
  readonly atMs: number;
  readonly index: number | null;
  readonly text: string;
}

const keptLines = 4000;
const toldLines = 40;

/** What happened, for whoever has to find out why. */
export class Story {
  readonly #lines: Line[] = [];

  say(index: number | null, atMs: number, text: string): void {
    this.#lines.push({ atMs, index, text });
    if (this.#lines.length > keptLines * 2) this.#lines.splice(0, keptLines);
  }

  span({ kind, index, fromMs, toMs, why }: Span): void {
    this.say(index, toMs ?? fromMs, `${kind}${toMs === null ? '' : ' no more'}: ${why}`);
  }

  /** The last lines about some workers and about all of them, in the order of their times; those of their own lives among them. */
  of(workers: readonly { readonly index: number; readonly name: string }[], world: World): readonly string[] {
    const names = new Map<number | null, string>(workers.map(({ index, name }) => [index, `${name}: `]));
    const own = workers.flatMap(({ index }) => world.of(index)).flatMap(linesOf);
    return [...own, ...this.#lines.filter(({ index }) => index === null || names.has(index))]
      .sort((a, b) => a.atMs - b.atMs)
      .slice(-toldLines)
      .map(({ atMs, index, text }) => `${(atMs / 1000).toFixed(3)} s  ${names.get(index) ?? ''}${text}`);
  }
}

function linesOf({ index, pid, variant, startMs, readyMs, toldMs, left, deadMs }: Instance): readonly Line[] {
  const at = (atMs: number | null, text: string): readonly Line[] => (atMs === null ? [] : [{ atMs, index, text: `pid ${pid} ${text}` }]);
  return [
    ...at(startMs, `starts, variant ${variant}`),
    ...at(readyMs, 'is ready'),
    ...at(toldMs, 'gets SIGTERM'),
    ...at(left?.atMs ?? null, `leaves with ${left?.code}`),
    ...at(deadMs, 'is dead'),
  ];
}
