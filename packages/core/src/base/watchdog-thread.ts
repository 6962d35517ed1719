import { appendFileSync, writeSync } from 'node:fs';
import { Session } from 'node:inspector';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { board, numbersOf, readSlots } from './watchdog-board.ts';

interface Start {
  readonly memory: SharedArrayBuffer;
  readonly file: string | null;
  readonly lateMs: readonly number[];
}

/** A thread that is itself late knows nothing about the loop: the process was stopped, or the host suspended. */
const ownLateMs = 1000;
/** Seldom, for each look costs: an agent at rest would spend more on being watched than on its workers. */
const longestTickMs = 500;

function watch({ memory, file, lateMs }: Start): void {
  const numbers = numbersOf(memory);
  const tickMs = Math.min(longestTickMs, (lateMs[0] ?? longestTickMs) / 4);
  let beat = Atomics.load(numbers, board.beat);
  let seenMs = performance.now();
  let lastTickMs = seenMs;
  let said = 0;

  const tick = async (): Promise<void> => {
    const nowMs = performance.now();
    const wasLate = nowMs - lastTickMs > tickMs + ownLateMs;
    lastTickMs = nowMs;
    const beatNow = Atomics.load(numbers, board.beat);
    if (beatNow !== beat || wasLate) {
      beat = beatNow;
      seenMs = nowMs;
      said = 0;
      return;
    }
    const lateAt = lateMs[said];
    if (lateAt === undefined || nowMs - seenMs < lateAt) return;
    said++;
    const slots = readSlots(memory);
    const plugin = slots[Atomics.load(numbers, board.plugin)]?.id ?? (await busyPlugin(slots));
    say(plugin, nowMs - seenMs);
  };
  const say = (plugin: string | null, busyMs: number): void => {
    const who = plugin === null ? 'Something in the agent' : `plugin "${plugin}"`;
    const text = `${who} has kept the agent's loop busy for ${Math.floor(busyMs / 1000)} s: nothing is supervised meanwhile, the workers run on`;
    const line = `${new Date().toISOString()} ${text}\n`;
    try {
      writeSync(2, line);
    } catch {
      // stderr may be closed or full; the file is left.
    }
    try {
      if (file !== null) appendFileSync(file, line, { mode: 0o600 });
    } catch {
      // A full disk must not end the watch.
    }
    parentPort?.postMessage({ plugin, busyMs: Math.round(busyMs), text });
  };
  const loop = async (): Promise<void> => {
    await tick();
    setTimeout(loop, tickMs);
  };
  void loop();
}

/** Interrupts the busy loop for a moment to read its stack; the innermost frame in a plugin's folder tells whose code runs. */
async function busyPlugin(slots: ReturnType<typeof readSlots>): Promise<string | null> {
  const folders = slots.filter((slot) => slot !== null && slot.folder !== '') as { id: string; folder: string }[];
  if (folders.length === 0) return null;
  const session = new Session();
  try {
    session.connectToMainThread();
    const urls = await new Promise<readonly string[]>((resolve) => {
      setTimeout(() => resolve([]), 500);
      session.on('Debugger.paused', ({ params }) => {
        resolve(params.callFrames.map((frame) => frame.url));
        session.post('Debugger.resume');
      });
      session.post('Debugger.enable', () => session.post('Debugger.pause'));
    });
    for (const url of urls) {
      if (!url.startsWith('file:')) continue;
      const path = fileURLToPath(url);
      // The longest folder: one plugin may be installed below another.
      const owner = folders.filter(({ folder }) => path.startsWith(`${folder}/`)).sort((a, b) => b.folder.length - a.folder.length)[0];
      if (owner) return owner.id;
    }
    return null;
  } catch {
    return null;
  } finally {
    try {
      session.post('Debugger.disable');
      session.disconnect();
    } catch {
      // Not connected.
    }
  }
}

if (!isMainThread && workerData?.memory) watch(workerData as Start);
