import type { Phase } from '../store/index.ts';
import type { Life, LifeEvent, Move, Scene } from './life.ts';

/**
 * What a cell does: a move (`go`), nothing though it may well happen (`ignore`: late, or only a hint), or `impossible`: a bug of the agent, reported
 * and survived, never thrown.
 */
export type Cell<E extends LifeEvent = LifeEvent> = 'ignore' | 'impossible' | ((life: Life, event: E, scene: Scene) => Move);
export type Row<E extends LifeEvent = LifeEvent> = { readonly [P in Phase]: Cell<E> };
