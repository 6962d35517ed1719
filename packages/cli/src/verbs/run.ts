import type { RunDocument } from '@ostler/core';
import { type Client, connect, queryOf, workerPath } from '../client/client.ts';
import { LinePrinter } from '../logs/line-printer.ts';
import { note, sayFailure, sayRecord, untilInterrupted } from '../print.ts';
import { signalNumber } from '../signal.ts';
import { socketOf } from '../socket.ts';
import type { CommonOptions } from '../verb.ts';

/** What the command ends with when it is not the worker's own code. */
const ours = 125;
const interrupted = 130;
/** For how long the agent holds one answer back while nothing happens; the first one less, for Ctrl-C counts from then on. */
const waitMs = 20_000;
const firstMs = 1000;
/** For the run to end once it is called off; the agent goes on with it after that. */
const cancelMs = 120_000;

export async function run(options: CommonOptions, [worker]: string[]): Promise<number> {
  const name = worker!;
  const { signal, end } = untilInterrupted();
  try {
    const client = connect(socketOf(options));
    const begun = await client.request<RunDocument>('POST', workerPath(name, 'run'), { waitMs: firstMs });
    const calling = callOff(client, begun, signal, options);
    const over = await followed(client, begun, calling, options);
    await calling();
    if (options.json) sayRecord({ type: 'run', ...over });
    if (signal.aborted) return interrupted;
    return exitCodeOf(over);
  } catch (error) {
    sayFailure(error, options, true);
    return ours;
  } finally {
    end();
  }
}

/** What came of calling the run off, once that is answered; `null` = nobody has. */
type Calling = () => Promise<RunDocument | null>;

/** Prints what each instance of the run prints, until the run is over: one that fails may be tried again. */
async function followed(client: Client, begun: RunDocument, calling: Calling, options: CommonOptions): Promise<RunDocument> {
  const printer = new LinePrinter({ timestamps: false, json: options.json === true, isPrefixed: false }, [begun.worker]);
  let told = '';
  let last: string | null = null;
  for (let now = begun; ; ) {
    if (now.instance !== null) {
      last = now.instance;
      for await (const line of client.logs(now.worker, { follow: true, instance: now.instance })) {
        // Where it went, as long as it is for people.
        if (line.type === 'log' && line.stream === 'stderr' && !options.json) process.stderr.write(Buffer.from(line.data ?? '', 'base64'));
        else await printer.print(line);
      }
    }
    // What it waits for: another worker, an engine, the next try.
    else if (!now.isOver && now.reason !== told) {
      told = now.reason;
      note(howItIs(now), options);
    }
    // What is there after a run that was called off may be the next one.
    const calledOff = await calling();
    if (calledOff?.isOver) now = calledOff;
    if (now.isOver) return { ...now, instance: last, exit: last === null ? null : now.exit };
    const path = `${workerPath(now.worker, 'run')}?${queryOf({ run: String(now.run), after: now.after ?? undefined, wait: String(waitMs) })}`;
    now = await client.request<RunDocument>('GET', path, undefined, { deadlineMs: waitMs + 30_000 });
  }
}

/** Ctrl-C ends the run; a second one leaves it to end alone. Answers what waits for a calling off that has begun. */
function callOff(client: Client, { worker, run }: RunDocument, signal: AbortSignal, options: CommonOptions): Calling {
  let called: Promise<RunDocument | null> = Promise.resolve(null);
  const call = (): void => {
    note(`calling the run of ${worker} off`, options);
    const asked = client.request<RunDocument>('POST', workerPath(worker, 'cancel'), { run, waitMs: cancelMs }, { deadlineMs: cancelMs + 30_000 });
    // It may still come to its end: what it prints is followed on.
    called = asked.then((told) => {
      if (!told.isOver) note(howItIs(told), options);
      return told;
    });
    called.catch(() => {});
  };
  if (signal.aborted) call();
  else signal.addEventListener('abort', call, { once: true });
  return () => called;
}

/** Many a reason begins with the state. */
const howItIs = ({ worker, state, reason }: RunDocument): string =>
  `${worker} is ${reason === state || reason.startsWith(`${state}: `) ? reason : `${state}: ${reason}`}`;

function exitCodeOf(over: RunDocument): number {
  const { worker, exit, stopped } = over;
  // Its own code would not tell.
  if (exit !== null && stopped !== null) process.stderr.write(`the run of ${worker} was stopped: ${stopped}\n`);
  // It ended well once it was told to: its work it has not done.
  if (exit?.code === 0 && stopped !== null) return ours;
  if (exit?.code != null) return exit.code;
  if (exit?.signal != null) return 128 + (signalNumber(exit.signal) ?? 0);
  process.stderr.write(exit === null ? `${howItIs(over)}\n` : `the run of ${worker} ended, but nobody saw how\n`);
  return ours;
}
