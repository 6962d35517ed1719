import { connect } from '../client/client.ts';
import { parseDuration } from '../duration.ts';
import { usage } from '../failure.ts';
import { byTime } from '../logs/by-time.ts';
import { followAll } from '../logs/follow-all.ts';
import { LinePrinter, type LogStyle } from '../logs/line-printer.ts';
import { untilInterrupted } from '../print.ts';
import { socketOf } from '../socket.ts';
import type { CommonOptions } from '../verb.ts';

interface LogsOptions extends CommonOptions {
  readonly follow?: boolean | undefined;
  readonly since?: string | undefined;
  readonly tailLines?: number | undefined;
  readonly timestamps?: boolean | undefined;
  readonly instance?: string | undefined;
}

export async function run(options: LogsOptions, args: string[]): Promise<number> {
  const { tailLines, instance } = options;
  const since = options.since === undefined ? undefined : timeOf(options.since);
  const workers = args.length === 0 ? null : [...new Set(args)];
  if (instance !== undefined && workers?.length !== 1) throw usage('--instance is of one worker', 'name that worker: `ostler logs WORKER --instance ID`');
  const style: LogStyle = { timestamps: options.timestamps === true, json: options.json === true, isPrefixed: workers?.length !== 1 };
  const client = connect(socketOf(options));
  const { signal, end } = untilInterrupted();
  try {
    const asked = { tailLines, since, instance };
    if (options.follow) return (await followAll(client, { workers, ...asked }, style, signal)) ? 0 : 1;
    const names = workers ?? (await client.ps({ signal })).workers.map(({ name }) => name);
    const printer = new LinePrinter(style, names);
    for await (const line of byTime(names.map((name) => client.logs(name, { follow: false, ...asked }, signal)))) await printer.print(line);
    await printer.end();
    return printer.hasFailed ? 1 : 0;
  } catch (error) {
    // Ctrl-C is how one leaves.
    if (signal.aborted) return 0;
    throw error;
  } finally {
    end();
  }
}

const rfc3339 = /^\d{4}-\d{2}-\d{2}(?:[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:[Zz]|[+-]\d{2}:\d{2})?)?$/;

/** `10m` (ago) or a time; RFC 3339 in the result. A time without a zone is local, as people mean it. */
function timeOf(text: string): string {
  const agoMs = parseDuration(text);
  const ms = agoMs !== null ? Date.now() - agoMs : rfc3339.test(text) ? Date.parse(localDay(text)) : Number.NaN;
  if (Number.isNaN(new Date(ms).getTime())) throw usage(`--since ${text}: expected how long ago, such as 10m, or a time, such as 2026-01-31T08:00:00Z`);
  return new Date(ms).toISOString();
}

/** A day alone would be read as UTC, unlike a time without a zone. */
const localDay = (text: string): string => (text.length === 10 ? `${text}T00:00` : text.replace(' ', 'T'));
