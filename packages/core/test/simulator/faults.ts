import type { Life } from '../../src/supervise/index.ts';
import { type FaultKind, faultKinds } from './outcome.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

/** Each kind as often as it is to come up. */
const frequency: Readonly<Record<FaultKind, number>> = {
  death: 6,
  reboot: 2,
  down: 4,
  freeze: 4,
  replace: 3,
  deaf: 3,
  full: 3,
  clock: 2,
  sleep: 1,
  lost: 2,
  shutdown: 1,
};
const dice = faultKinds.flatMap((kind) => Array.from({ length: frequency[kind] }, () => kind));

/** What goes wrong with a host, its engines, its disk, its clock and its agent. */
export class Faults {
  /** How often each has come. */
  readonly seen = new Map<FaultKind, number>();
  readonly #world: World;
  readonly #random: Random;
  /** How many there are. */
  readonly #workers: number;
  readonly #without: ReadonlySet<FaultKind> | undefined;

  constructor(world: World, random: Random, workers: number, without: ReadonlySet<FaultKind> | undefined) {
    this.#world = world;
    this.#random = random;
    this.#workers = workers;
    this.#without = without;
  }

  one(): void {
    const world = this.#world;
    const kind = this.#hasRunAhead() && this.#random.chance(0.1) ? 'shutdown' : this.#random.pick(dice);
    const undo = this.#random.chance(0.6);
    if (this.#without?.has(kind)) return;
    this.seen.set(kind, (this.seen.get(kind) ?? 0) + 1);
    const engine = this.#random.pick(world.engines);
    switch (kind) {
      case 'death':
        if (this.#random.chance(0.2)) world.leaveAlone(this.#random.int(300_000));
        else world.die();
        break;
      case 'reboot':
        world.reboot();
        break;
      case 'down':
        world.tell(undo ? 'docker is up' : 'docker goes down');
        if (undo) world.docker.isDown = false;
        else world.docker.goDown(this.#random.chance(0.5));
        break;
      case 'freeze':
        engine.isFrozen = !undo;
        world.tell(`${engine.name} ${engine.isFrozen ? 'freezes' : 'thaws'}`);
        break;
      case 'replace':
        world.replaceDocker(undo ? 'docker-store-1' : 'docker-store-2');
        break;
      case 'deaf':
        engine.isDeaf = !undo;
        if (undo && this.#random.chance(0.5)) engine.tellOfGap();
        world.tell(`the events of ${engine.name} ${engine.isDeaf ? 'are lost' : 'come again'}`);
        break;
      case 'full':
        world.disk.isFull = !undo;
        world.tell(world.disk.isFull ? 'the disk is full' : 'the disk has room');
        break;
      case 'sleep':
        world.sleep(this.#random.int(300_000));
        break;
      case 'shutdown':
        world.shutDown();
        break;
      case 'lost':
        // What runs on an engine that is down then is found long after.
        if (this.#random.chance(0.4)) world.docker.goDown(false);
        world.loseStore(this.#random.chance(0.3) ? `w${this.#random.int(this.#workers)}` : null);
        break;
      case 'clock': {
        const ms = Math.round((this.#random.next() - 0.5) * 7_200_000);
        world.timeline.jump(ms);
        world.isClockSet = true;
        world.tell(`the clock is set by ${Math.round(ms / 1000)} s`);
      }
    }
  }

  /** One was due, and has not begun: rare in the moment in which an agent is ended. */
  #hasRunAhead(): boolean {
    const isAhead = ({ isQueued, startCause, phase }: Life): boolean => isQueued || (startCause === 'due' && (phase === 'waiting' || phase === 'preparing'));
    return this.#world.agent?.crew.all().some(({ life }) => isAhead(life)) === true;
  }
}
