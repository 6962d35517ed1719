import type { Cell, Row } from './cell.ts';
import type { Life, LifeEvent, Move, Scene } from './life.ts';
import * as seen from './observations.ts';
import * as runs from './runs.ts';
import * as wished from './wishes.ts';

type Table = { readonly [T in LifeEvent['type']]: Row<Extract<LifeEvent, { type: T }>> };

/** Every event in every phase. */
export const table: Table = {
  start: wished.start,
  hold: wished.hold,
  remove: wished.remove,
  restart: wished.restart,
  run: runs.run,
  cancel: runs.cancel,
  declare: wished.declare,
  due: runs.due,
  missed: runs.missed,
  wait: seen.wait,
  ready: seen.ready,
  prepared: seen.prepared,
  'prepare-failed': seen.prepareFailed,
  'start-failed': seen.startFailed,
  'stop-failed': seen.stopFailed,
  running: seen.running,
  created: seen.created,
  exited: seen.exited,
  gone: seen.gone,
  alarm: seen.alarm,
  healthy: seen.healthy,
  unhealthy: seen.unhealthy,
  overdone: seen.overdone,
  steady: seen.steady,
  blind: seen.blind,
  sighted: seen.sighted,
};

export type Transition = { readonly is: 'moved'; readonly move: Move } | { readonly is: 'ignored' } | { readonly is: 'impossible' };

const revivals: ReadonlySet<LifeEvent['type']> = new Set(['start', 'restart', 'run']);

export function transition(life: Life, event: LifeEvent, scene: Scene): Transition {
  // Results of calls count only in the epoch in which they were begun. A run is called off as it was seen: the next one is not meant.
  if ('epoch' in event && event.epoch !== life.epoch) return { is: 'ignored' };
  // An instance that is not the present one says nothing about this worker's life.
  if ('seen' in event && event.seen.instance !== life.instance) return { is: 'ignored' };
  if ('instance' in event && event.instance !== life.instance) return { is: 'ignored' };
  // What is to be removed comes back by its declaration alone.
  if (life.want === 'removed' && revivals.has(event.type)) return { is: 'ignored' };
  const cell = table[event.type][life.phase] as Cell;
  if (cell === 'ignore') return { is: 'ignored' };
  if (cell === 'impossible') return { is: 'impossible' };
  const move = cell(life, event, scene);
  if (move.life === life && move.effects.length === 0 && move.facts.length === 0) return { is: 'ignored' };
  return { is: 'moved', move };
}
