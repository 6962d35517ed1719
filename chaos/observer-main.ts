// Watches a chaos run from outside, in a process of its own: hears what the run did, sees what the workers and the kernel say, and never asks the agent.
import type { Act, Report, Summary, Violation } from './acts.ts';
import type { Fleet, Member } from './fleet.ts';
import { deathOf, type Evidence, holdOf, orderOf } from './judges.ts';
import { nowMs, usageOf } from './process.ts';
import { Spans } from './spans.ts';
import { Story } from './story.ts';
import { type Instance, World } from './world.ts';

const lookEveryMs = 40;
/** So long after something has happened it is judged: all that explains it was told by then. */
const judgeAfterMs = 2500;
const usageEveryMs = 500;
/** Later than that to its own turn, and it is the machine that is slow. */
const lateMs = 100;

const [place = '', fleetText = '[]'] = process.argv.slice(2);
const fleet: Fleet = (JSON.parse(fleetText) as (Member & { dependsOn: [number, 'started'][] })[]).map((one) => ({ ...one, dependsOn: new Map(one.dependsOn) }));
const world = new World(place);
const spans = new Spans();
const killed = new Map<string, number>();
const evidence: Evidence = { world, spans, fleet, killed };
const story = new Story();

/** The run counts its spans upward. */
let busySpans = 0;
let judgedStarts = 0;
let judgedDeaths = 0;
let judgedSeconds = 0;
const openDeaths: Instance[] = [];
let agentPid: number | null = null;
let nextUsageMs = 0;
let [peakFiles, peakKib] = [0, 0];

const report = (what: Report): void => void process.send?.(what);

function violate(name: string, index: number, text: string): void {
  const concerned = [index, ...(fleet[index]?.dependsOn.keys() ?? [])].map((one) => ({ index: one, name: fleet[one]?.name ?? String(one) }));
  const violation: Violation = { name, text: `${fleet[index]?.name ?? index}: ${text}`, story: story.of(concerned, world) };
  report({ is: 'violation', violation });
}

/** Judges what happened before `untilMs`. */
function judge(untilMs: number): void {
  for (; judgedSeconds < world.seconds.length; judgedSeconds++) {
    const { index, pid } = world.seconds[judgedSeconds]!;
    violate('one instance', index, `pid ${pid} was started while another one lived`);
  }
  for (; judgedStarts < world.instances.length && world.instances[judgedStarts]!.startMs < untilMs; judgedStarts++) {
    const start = world.instances[judgedStarts]!;
    openDeaths.push(start);
    const [order, hold] = [orderOf(start, evidence), holdOf(start, evidence)];
    if (order !== null) violate('dependencies first', start.index, `pid ${start.pid} was started although ${order}`);
    if (hold !== null) violate('held is not started', start.index, hold);
  }
  for (let at = openDeaths.length - 1; at >= 0; at--) {
    const instance = openDeaths[at]!;
    if (instance.deadMs === null || instance.deadMs >= untilMs) continue;
    openDeaths.splice(at, 1);
    judgedDeaths += 1;
    const death = deathOf(instance, evidence);
    if (death !== null) violate('no death without a cause', instance.index, death);
  }
}

function measure(): void {
  if (agentPid === null || nowMs() < nextUsageMs) return;
  nextUsageMs = nowMs() + usageEveryMs;
  const usage = usageOf(agentPid);
  if (usage === null) return;
  peakFiles = Math.max(peakFiles, usage.files);
  peakKib = Math.max(peakKib, usage.kib);
}

type Outage = NonNullable<Summary['longestOutage']>;

/** From each crash to the start that followed it, the shortest first. `isAble`: only where the agent could act all the time. */
function outages(isAble: boolean): readonly Outage[] {
  const found: Outage[] = [];
  for (const { index } of fleet)
    for (const [at, one] of world.of(index).entries()) {
      const next = world.of(index)[at + 1];
      const fromMs = one.left === null ? killed.get(`${index}/${one.pid}`) : one.left.code === 0 ? undefined : one.left.atMs;
      if (next === undefined || fromMs === undefined) continue;
      if (spans.touches('may stop', index, fromMs, next.startMs) || spans.touches('held', index, fromMs, next.startMs)) continue;
      if (!isAble || !spans.touches('unable', index, fromMs, next.startMs)) found.push({ worker: index, ms: next.startMs - fromMs });
    }
  return found.sort((a, b) => a.ms - b.ms);
}

function summary(): Summary {
  const starts = world.instances.length;
  const started = new Set(world.instances.map(({ index }) => index)).size;
  const counted = { starts, restarts: starts - started, judgedStarts, judgedDeaths, peakFiles, peakKib };
  const able = outages(true);
  return { ...counted, longestOutage: outages(false).at(-1) ?? null, longestAbleOutage: able.at(-1) ?? null, medianAbleOutage: able[able.length >> 1] ?? null };
}

process.on('message', (act: Act) => {
  switch (act.is) {
    case 'span':
      spans.take(act.span);
      story.span(act.span);
      break;
    case 'killed':
      killed.set(`${act.index}/${act.pid}`, act.atMs);
      story.say(act.index, act.atMs, `the run kills pid ${act.pid}`);
      break;
    case 'agent':
      agentPid = act.pid;
      break;
    case 'said':
      story.say(act.index, act.atMs, act.text);
      break;
    case 'end':
      clearInterval(looking);
      world.look();
      judge(Number.POSITIVE_INFINITY);
      report({ is: 'summary', summary: summary() });
      process.disconnect();
  }
});
// Whoever began this is gone.
process.on('disconnect', () => process.exit(0));
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});

let lookedMs = nowMs();
const looking = setInterval(() => {
  const ms = nowMs();
  if (ms - lookedMs > lookEveryMs + lateMs) {
    const busy = { id: --busySpans, kind: 'unable', index: null, fromMs: lookedMs, toMs: ms, why: 'the machine has other work' } as const;
    spans.take(busy);
    story.span(busy);
  }
  lookedMs = ms;
  world.look();
  judge(nowMs() - judgeAfterMs);
  measure();
}, lookEveryMs);
report({ is: 'ready' });
