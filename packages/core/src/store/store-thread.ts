import { join } from 'node:path';
import { parentPort } from 'node:worker_threads';
import { commitGroup, failureOf } from './group.ts';
import { type AgentLock, takeLock } from './lock.ts';
import { currentForm } from './migrations.ts';
import { type OpenFile, openFile } from './open-file.ts';
import { agentIsRunning, openProblem, storeNewer } from './open-problem.ts';
import { openReserve, type Reserve } from './reserve.ts';
import { sqliteTrouble } from './sqlite-error.ts';
import type { Batch } from './store.ts';
import type { StoreCall, ThreadData, ThreadMessage } from './store-call.ts';

// The store's own thread: a disk that takes seconds to spin up holds this thread, not the agent. Started by sqlite.ts; imports files beside it only,
// so that it starts the same from sources and from a build.

/** A dying agent may hold its lock for a moment while its successor starts. */
const lockWaitMs = 1000;

const port = parentPort;
port?.once('message', (data: ThreadData) => serve(data, (message) => port.postMessage(message)));

function serve({ dataDir, reserveBytes }: ThreadData, send: (message: ThreadMessage) => void): void {
  let lock: AgentLock | null = null;
  try {
    const taken = takeLock(dataDir, lockWaitMs);
    if ('heldBy' in taken) {
      send({ is: 'problem', problem: agentIsRunning(dataDir, taken.heldBy) });
      return;
    }
    lock = taken;
    const path = join(dataDir, 'state.db');
    const reserve = openReserve(dataDir, reserveBytes);
    const opened = openWithRoom(path, reserve);
    if (!('db' in opened)) {
      lock.release();
      send({ is: 'problem', problem: storeNewer(path, opened.form, currentForm) });
      return;
    }
    const wasThere = reserve.isThere;
    send({ is: 'open', path, setAside: opened.setAside, before: opened.before });
    if (!wasThere && !reserve.renew()) send({ is: 'full', isFull: true });
    answer(opened, reserve, lock, send);
  } catch (error) {
    lock?.release();
    send({ is: 'problem', problem: openProblem(dataDir, error) });
  }
}

/** An agent must be able to come up on a full disk, or its workers are nobody's. */
function openWithRoom(path: string, reserve: Reserve): ReturnType<typeof openFile> {
  try {
    return openFile(path, new Date());
  } catch (error) {
    if (sqliteTrouble(error) !== 'full' || !reserve.release()) throw error;
    return openFile(path, new Date());
  }
}

function answer({ db, tables }: OpenFile, reserve: Reserve, lock: AgentLock, send: (message: ThreadMessage) => void): void {
  let isFull = !reserve.isThere;
  const tell = (now: boolean) => {
    if (now !== isFull) send({ is: 'full', isFull: now });
    isFull = now;
  };
  const room = {
    release() {
      tell(true);
      return reserve.release();
    },
  };
  const run = (call: StoreCall): unknown => {
    switch (call.op) {
      case 'load':
        return tables.load();
      case 'journal':
        return tables.journal(call.query);
      case 'trim':
        return tables.trimJournal(call.keep, call.before);
      case 'commit':
        return JSON.stringify(
          commitGroup(
            db,
            tables,
            call.batches.map((batch) => JSON.parse(batch) as Batch),
            room,
          ),
        );
      case 'close':
        // Closing the last connection moves the write-ahead log into the file and removes it.
        db.close();
        return undefined;
    }
  };
  port?.on('message', (call: StoreCall) => {
    try {
      send({ is: 'answer', value: run(call) });
    } catch (error) {
      send({ is: 'failure', failure: failureOf(error) });
    }
    if (call.op === 'commit' && isFull && reserve.renew()) tell(false);
    if (call.op === 'close') {
      lock.release();
      port.close();
    }
  });
}
