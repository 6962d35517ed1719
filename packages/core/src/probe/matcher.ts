import { MatchLane } from './match-lane.ts';

/**
 * Looks for patterns in what workers print, for all of a host. JavaScript's expressions can take for ever, and there is no telling from a pattern: who
 * takes long is sent to a lane of its own kind, where it holds up nobody but the likes of it.
 */
export class Matcher {
  readonly quick = new MatchLane(250);
  readonly slow = new MatchLane(1000);

  close(): void {
    this.quick.close();
    this.slow.close();
  }
}
