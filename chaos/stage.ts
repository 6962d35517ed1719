import type { Random } from '../packages/core/test/simulator/random.ts';
import type { Agent } from './agent.ts';
import type { Fleet, Member } from './fleet.ts';
import type { Observer } from './observer.ts';
import type { Site } from './site.ts';
import type { Wishes } from './wishes.ts';
import type { Instance, World } from './world.ts';

/** What a fault is given to work with. */
export interface Stage {
  readonly site: Site;
  readonly fleet: Fleet;
  readonly random: Random;
  readonly world: World;
  readonly agent: Agent;
  readonly observer: Observer;
  readonly wishes: Wishes;
  /** Undone after `ms`, or when the faults end, whichever comes first. */
  later(ms: number, undo: () => void): void;
}

/** Workers that live at this moment, in an order of chance. */
export function livingOf({ fleet, world, random }: Stage): readonly { readonly member: Member; readonly instance: Instance }[] {
  world.look();
  return fleet
    .flatMap((member) => {
      const instance = world.live(member.index);
      return instance === null ? [] : [{ member, instance, at: random.next() }];
    })
    .sort((a, b) => a.at - b.at);
}
