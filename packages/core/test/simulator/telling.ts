import type { InstanceRecord, JournalRecord } from '../../src/store/index.ts';
import { startCauses } from '../../src/supervise/cause.ts';
import type { Supervisor } from '../../src/supervise/index.ts';
import type { Engine } from './engine.ts';
import { generationOf } from './generation.ts';
import type { View } from './invariants.ts';
import { buildLines } from './real.ts';
import type { Owner } from './timeline.ts';

/** What the entries that are read here tell. */
interface Told {
  readonly cause?: string;
  readonly code?: number | null;
  readonly signal?: string | null;
  /** Of an end: from where it is known. Of a stop: what was seen. */
  readonly evidence?: string;
  readonly afterMs?: number | null;
  readonly tookMs?: number | null;
  readonly wasKilled?: boolean;
  readonly generation?: number | null;
  readonly failures?: number;
  readonly processes?: readonly { readonly pid: number; readonly command: string }[];
}

/** What was told of one worker so far. */
interface Course {
  health: 'ok' | 'bad' | null;
  /** The start that is under way, and whose it is; nobody's once it is not known any more whether it happened. */
  starting: Owner | null;
  /** The last end, until what followed it was told. */
  exited: { readonly instance: string | null; readonly told: Told } | null;
  /** `null` = somebody wished something of it, which may have ended it. */
  isLooping: boolean | null;
  wishes: number;
  /** Somebody wished something of it, which is told with its next start. */
  isWished: boolean;
  /** A person, or its health, keeps it down. */
  isHeld: boolean;
  /** Who told last that it runs, as long as nothing else was told of it. */
  up: { readonly owner: Owner; readonly instance: string | null } | null;
  /** Which one was told to use too much memory, and how much. */
  weighed: string | null;
}

/** What goes on with a crash loop, also after its agent was ended in it; whatever else it is started for begins anew. */
const ofItself: ReadonlySet<string> = new Set(
  (['exited', 'start-failed', 'unhealthy', 'memory', 'again', 'engine', 'declared'] as const).map((cause) => startCauses[cause]),
);

/** The journal, entry by entry, held against the world, the rows, and what it told before. */
export class Telling {
  readonly #courses = new Map<string, Course>();
  #at = 0;

  wrong({ disk, engines, agent, removed, wishes }: View): string | null {
    const { journal } = disk;
    for (; this.#at < journal.length; this.#at++) {
      const entry = journal[this.#at]!;
      if (entry.worker === null) continue;
      const course = this.#courses.get(entry.worker) ?? {
        health: null,
        starting: null,
        exited: null,
        isLooping: false,
        wishes: 0,
        isWished: false,
        isHeld: false,
        up: null,
        weighed: null,
      };
      this.#courses.set(entry.worker, course);
      const row = disk.instances.get(`${entry.worker}/${entry.instance}`);
      const one = agent?.crew.get(entry.worker);
      const wished = wishes.get(entry.worker) ?? 0;
      if (wished !== course.wishes) Object.assign(course, { wishes: wished, isWished: true });
      const text =
        left(entry, journal[this.#at + 1], engines) ??
        failure(entry) ??
        (one === undefined ? null : unfollowed(entry, one)) ??
        (removed.has(entry.worker) ? null : kept(course, entry, one)) ??
        next(course, entry, row, one, disk.writers[this.#at]!);
      if (text !== null) return `${entry.worker}/${entry.instance}: ${text}`;
    }
    return null;
  }
}

/** Processes that outlived an end are told right after it, and no others. */
function left({ type, worker, instance }: JournalRecord, after: JournalRecord | undefined, engines: readonly Engine[]): string | null {
  if (type !== 'worker.exited') return null;
  const real = engines.map(({ instances }) => instances.get(`${worker}/${instance}`)).find((one) => one !== undefined);
  if (real?.exit == null) return null;
  const told = after?.type === 'worker.left-behind' && after.worker === worker ? ((after.data as Told).processes ?? []) : [];
  const text = told.map(({ pid, command }) => `${pid} ${command}`).join();
  return text === real.left.join() ? null : `${real.left.join() || 'nothing'} outlived it, told is ${text || 'nothing'}`;
}

/** What a failed start is told with: its own words, and what a build printed last, no more. */
function failure({ type, data, text }: JournalRecord): string | null {
  if (/Error: /.test(text)) return `a failure is told as the code has it: ${text}`;
  if (type !== 'worker.start-failed') return null;
  const { code, lastLines } = data as { readonly code: string; readonly lastLines?: readonly string[] };
  const told = lastLines?.join() ?? '';
  // One that was given up may have printed something too.
  return code === 'timeout' || told === (code === 'build-failed' ? buildLines.join() : '')
    ? null
    : `its start failed (${code}), and its last lines are ${told || 'none'}`;
}

/** Who is held and who is not, by what is told of it. */
function kept(course: Course, { type }: JournalRecord, one: Supervisor | undefined): string | null {
  const wasHeld = course.isHeld;
  if (type === 'worker.held' || (type === 'worker.unhealthy' && one?.scene().rules.health.onUnhealthy === 'stop')) course.isHeld = true;
  if (['worker.released', 'worker.removed', 'worker.declared'].includes(type)) course.isHeld = false;
  if (type === 'worker.held' && wasHeld) return 'it is held, and was';
  if (type === 'worker.released' && !wasHeld) return 'it is released, and was not held';
  return type === 'worker.starting' && wasHeld ? 'it is started, and is held' : null;
}

/** It is stopped for another worker, and its rules name none that it goes with. */
function unfollowed({ type, data, instance }: JournalRecord, one: Supervisor): string | null {
  if (type !== 'worker.stopping' || (data as Told).cause !== 'dependency') return null;
  const rules = one.normal(generationOf(one, one.instances.get(instance ?? '')?.generation))?.rules.dependsOn;
  return rules === undefined || rules.some(({ restartWithIt, stopWithIt }) => restartWithIt || stopWithIt) ? null : 'it is stopped for another worker';
}

const isOf = (counter: number | null | undefined, { generation }: InstanceRecord, one: Supervisor | undefined): boolean =>
  generation.startsWith(`${counter}-`) || (one !== undefined && generationOf(one, generation)?.counter === counter);

function next(
  course: Course,
  { type, instance, data, at }: JournalRecord,
  row: InstanceRecord | undefined,
  one: Supervisor | undefined,
  owner: Owner,
): string | null {
  const told = data as Told;
  switch (type) {
    case 'worker.starting':
      if (!ofItself.has(told.cause ?? '')) course.isLooping = false;
      // By this start or by one before it.
      else if (course.isWished) course.isLooping = null;
      Object.assign(course, { starting: owner, exited: null, health: null, up: null, isWished: false });
      return row === undefined || isOf(told.generation, row, one) ? null : `a start of generation ${told.generation} is told, it is of ${row.generation}`;
    case 'worker.unresolved':
    // What another agent had asked for may come under its name all the same.
    case 'worker.start-failed':
      course.starting = null;
      return null;
    case 'worker.started':
    case 'worker.adopted': {
      const isOwn = course.starting === owner;
      const text =
        course.starting === null || isOwn === (type === 'worker.started') ? null : `${type} is told, and its start was ${isOwn ? '' : 'not '}this agent's own`;
      const isAgain = course.up?.owner === owner && course.up.instance === instance;
      Object.assign(course, { starting: null, exited: null, health: null, up: { owner, instance } });
      return isAgain ? `${type} is told again` : text;
    }
    case 'worker.healthy':
    case 'worker.unhealthy': {
      const health = type === 'worker.healthy' ? 'ok' : 'bad';
      if (course.health === health) return `${type} is told twice`;
      course.health = health;
      return null;
    }
    case 'worker.exited':
      Object.assign(course, { exited: { instance, told }, starting: null, up: null });
      if (row?.exit?.at == null || row.state !== 'exited' || told.evidence === 'none') return null;
      return ranFor(row, told.afterMs);
    case 'worker.done':
      if (course.exited === null) return null;
      return told.tookMs === course.exited.told.afterMs || course.exited.told.afterMs === null
        ? null
        : `it is done after ${told.tookMs} ms, and ran for ${course.exited.told.afterMs}`;
    case 'worker.stopping':
      if (told.cause === 'memory' && told.evidence === undefined && course.weighed !== instance)
        return 'it is stopped for its memory, and how much that was is not told';
      if (told.cause === 'memory') course.weighed = instance;
      return row === undefined || row.stopCause === told.cause ? null : `it is stopped, told is ${told.cause}, by its row ${row.stopCause}`;
    case 'worker.stopped': {
      course.up = null;
      if (!['unhealthy', 'timeout', 'memory'].includes(told.cause ?? '')) course.isLooping = loopAfter(course, told);
      const signal = course.exited?.instance === instance ? course.exited?.told.signal : null;
      if (told.wasKilled !== (signal === 'SIGKILL'))
        return `its stop is told as ${told.wasKilled ? 'one by force' : 'its own'}, and it ended by ${signal ?? 'itself'}`;
      return row === undefined || row.stopCause === told.cause ? null : `it was stopped, told is ${told.cause}, by its row ${row.stopCause}`;
    }
    case 'worker.crash-looping':
      course.isLooping = true;
      return null;
    case 'worker.steady':
      if (course.isLooping === false) return 'it is steady again, and was in no crash loop';
      course.isLooping = false;
      return row?.startedAt == null || told.afterMs === Math.max(0, Date.parse(at) - Date.parse(row.startedAt))
        ? null
        : `it is steady after ${told.afterMs} ms, and was started at ${row.startedAt}`;
    case 'worker.backoff':
      return course.isLooping && !course.isWished && (told.failures ?? 0) < 5
        ? `a crash loop is over (${told.failures} failures at ${at}), and that is not told`
        : null;
    case 'worker.declared':
    case 'worker.changed':
    case 'worker.released':
    case 'worker.held':
    case 'worker.removed':
    case 'worker.failed':
    case 'worker.blind':
      // Of one that is given up with the failure that would make it one no loop is told.
      if (type !== 'worker.blind') course.isLooping = type === 'worker.failed' ? null : false;
      return null;
    default:
      return null;
  }
}

/** Whether a crash loop goes on after a stop: after one with its agent, unless somebody starts it meanwhile. */
const loopAfter = ({ isLooping }: Course, { cause }: Told): false | null => (cause === 'shutdown' && isLooping !== false ? null : false);

function ranFor({ startedAt, exit }: InstanceRecord, afterMs: number | null | undefined): string | null {
  if (startedAt === null || exit?.at == null) return null;
  const ms = Math.max(0, Date.parse(exit.at) - Date.parse(startedAt));
  return afterMs === ms ? null : `it ran for ${ms} ms, told is ${afterMs}`;
}
