import { setTimeout as sleep } from 'node:timers/promises';
import type { Hint } from '@ostler/sdk';
import { labels, refOf } from './container/identity.ts';
import type { Connection } from './engine/connection.ts';
import { readNdjson } from './engine/ndjson.ts';

/** Between an engine that is lost and the next try: an engine that is down is not hammered. */
const firstMs = 100;
const mostMs = 2000;

interface EventJson {
  readonly Action?: string;
  readonly status?: string;
  readonly Actor?: { readonly Attributes?: Readonly<Record<string, string>> };
}

/** `exec_create: …`, attach, resize and the like change nothing that a supervisor looks at. */
const told = new Set(['create', 'start', 'die', 'died', 'stop', 'oom', 'kill', 'pause', 'unpause', 'destroy', 'remove', 'rename', 'cleanup']);

/**
 * The engine's events on this agent's containers. Each time that it listens again it says `gap`: what happened meanwhile was told to nobody. It says so
 * once the engine has answered, so that whoever then lists misses nothing.
 */
export async function* watchEvents(engine: Connection, agent: string, signal: AbortSignal, onLoss: (error: unknown) => void): AsyncGenerator<Hint> {
  let why = 'the watch begins';
  for (let waitMs = firstMs; !signal.aborted; waitMs = Math.min(waitMs * 2, mostMs)) {
    try {
      const stream = await engine.stream({
        path: '/events',
        query: { filters: JSON.stringify({ type: ['container'], label: [`${labels.agent}=${agent}`] }) },
        what: 'listen to the engine’s events',
        signal,
      });
      try {
        waitMs = firstMs;
        yield { kind: 'gap', why };
        for await (const event of readNdjson<EventJson>(stream)) {
          const ref = isTold(event) ? refOf(event.Actor?.Attributes ?? null) : null;
          if (ref !== null) yield { kind: 'changed', ref };
        }
      } finally {
        stream.destroy();
      }
      why = 'the engine ended the stream of its events';
    } catch (error) {
      if (signal.aborted) return;
      onLoss(error);
      why = error instanceof Error ? error.message : String(error);
    }
    await sleep(waitMs, undefined, { signal, ref: false }).catch(() => {});
  }
}

function isTold({ Action, status }: EventJson): boolean {
  const action = Action ?? status ?? '';
  return told.has(action) || action.startsWith('health_status');
}
