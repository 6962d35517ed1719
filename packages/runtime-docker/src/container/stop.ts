import { setTimeout as sleep } from 'node:timers/promises';
import { type Call, type InstanceRef, isRuntimeFailure, runtimeFailure, type StopRule, type Target } from '@ostler/sdk';
import type { Connection } from '../engine/connection.ts';
import type { ContainerJson } from '../engine/json.ts';
import { begun, refusal } from '../errors.ts';
import { inspectContainer } from './find.ts';
import { demandSignal, stopSignalOf } from './stop-signal.ts';

/** How long the engine gets to end what it was told to kill. */
const reapMs = 10_000;

export const isRunning = ({ State }: ContainerJson): boolean => State.Running || State.Status === 'paused';

/** False = it was not running any more. */
export async function sendSignal(engine: Connection, id: string, worker: string, signal: string, call: Call): Promise<boolean> {
  try {
    const what = `send ${signal} to ${worker}`;
    await engine.json({ method: 'POST', path: `/containers/${id}/kill`, query: { signal }, what, signal: call.signal });
    return true;
  } catch (error) {
    if (isRuntimeFailure(error) && (error.code === 'not-running' || error.code === 'conflict' || error.code === 'not-found')) return false;
    throw error;
  }
}

/**
 * Signal, grace, SIGKILL. With its first process the whole pid namespace ends, so that nothing is left of the tree. Not by the engine's own stop: that
 * takes no signal before API 1.42, and holds the container for as long as it waits.
 */
export async function endContainer(engine: Connection, found: ContainerJson, worker: string, how: StopRule, call: Call): Promise<void> {
  const { Id } = found;
  const signal = how.signal === null ? stopSignalOf(found) : demandSignal(how.signal);
  // A frozen process takes no signal.
  if (found.State.Paused === true || found.State.Status === 'paused')
    await engine.json({ method: 'POST', path: `/containers/${Id}/unpause`, accepts: [409, 500], what: `thaw ${worker}`, signal: call.signal });
  const send = (name: string) => sendSignal(engine, Id, worker, name, call);
  const ends = (ms: number) => begun(() => awaitEnd(engine, Id, worker, ms, call));
  if (how.graceMs > 0 && (await send(signal)) && (await ends(how.graceMs))) return;
  await (how.graceMs > 0 ? begun(() => send('SIGKILL')) : send('SIGKILL'));
  // Also of one that took no signal any more: an engine may know of its end and still show it running.
  if (await ends(reapMs)) return;
  throw runtimeFailure({
    code: 'timeout',
    outcome: 'unknown',
    retryable: true,
    message: `${worker} was sent SIGKILL and the engine says that it runs; a process that waits for a dead disk or device does that`,
  });
}

/** True when it is seen not running. */
async function awaitEnd(engine: Connection, id: string, worker: string, ms: number, call: Call): Promise<boolean> {
  const until = Date.now() + ms;
  const signal = AbortSignal.any([call.signal, AbortSignal.timeout(ms)]);
  const what = `stop ${worker}`;
  for (let waitMs = 2; ; waitMs = Math.min(waitMs * 2, 100)) {
    try {
      const query = { condition: 'not-running' };
      await engine.json({ method: 'POST', path: `/containers/${id}/wait`, query, accepts: [404], what, isRead: true, signal });
    } catch (error) {
      // Its own time being over is no failure.
      if (call.signal.aborted || !signal.aborted) throw error;
    }
    // Podman's wait may come back before the end is seen.
    const seen = await inspectContainer(engine, id, worker, call);
    if (seen === null || !isRunning(seen)) return true;
    if (Date.now() >= until) return false;
    await sleep(waitMs, undefined, { signal: call.signal }).catch(() => {});
  }
}

export async function removeContainer(engine: Connection, { ref }: Target, id: string, call: Call): Promise<void> {
  const what = `remove the container of ${ref.worker}`;
  // Its nameless volumes go with it; named ones stay. 409: its removal is under way.
  const { status } = await engine.json({ method: 'DELETE', path: `/containers/${id}`, query: { v: true }, accepts: [404, 409], what, signal: call.signal });
  if (status !== 409) return;
  await begun(() => awaitRemoval(engine, ref, id, call));
}

async function awaitRemoval(engine: Connection, ref: InstanceRef, id: string, call: Call): Promise<void> {
  for (let waitMs = 5; ; waitMs = Math.min(waitMs * 2, 200)) {
    const left = await inspectContainer(engine, id, ref.worker, call);
    if (left === null) return;
    if (isRunning(left)) throw refusal('conflict', `${ref.worker} ${ref.instance} is running; stop it first`);
    await sleep(waitMs, undefined, { signal: call.signal }).catch(() => {});
  }
}
