import type { LogRecord } from '@ostler/sdk';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../base/clock.ts';
import { StuckCalls } from '../base/stuck-calls.ts';
import { askProbe } from './ask.ts';
import { asking } from './fixtures/asking.ts';
import { type AskLogs, LogReading } from './log-reading.ts';
import { find, noRest } from './match.ts';
import { Matcher } from './matcher.ts';
import type { ProbeAnswer } from './prepared.ts';

let matcher: Matcher;
beforeEach(() => {
  matcher = new Matcher();
});
afterEach(() => matcher.close());

type Printed = string | Uint8Array | { readonly err: string } | { readonly gap: number | null };

/** What an instance printed, as a runtime keeps it; more may be printed later. */
class Log {
  readonly #records: LogRecord[] = [];
  asked: unknown[] = [];
  read = 0;

  print(...all: readonly Printed[]): void {
    for (const one of all) {
      const head = { cursor: String(this.#records.length), at: null };
      if (typeof one === 'object' && 'gap' in one) this.#records.push({ ...head, gap: one.gap });
      else if (typeof one === 'object' && 'err' in one) this.#records.push({ ...head, stream: 'stderr', bytes: Buffer.from(one.err) });
      else this.#records.push({ ...head, stream: 'stdout', bytes: Buffer.from(one as string) });
    }
  }

  readonly ask: AskLogs = async function* (this: Log, from: Parameters<AskLogs>[0]) {
    this.asked.push(from);
    const next = typeof from === 'object' && 'after' in from ? Number(from.after) + 1 : 0;
    for (const record of this.#records.slice(next)) {
      this.read++;
      yield record;
    }
  }.bind(this);
}

function probing(ask: AskLogs, wasFound = false, options: object = {}) {
  const log = new LogReading(ask, wasFound, matcher, systemClock);
  return (pattern: string, given: Parameters<typeof asking>[0] = {}): Promise<ProbeAnswer> =>
    askProbe({ kind: 'log', options: { pattern, ...options } }, asking({ log, ...given }));
}
/** Asks once, of what was printed. */
async function asked(pattern: string, ...printed: readonly Printed[]): Promise<ProbeAnswer> {
  const log = new Log();
  log.print(...printed);
  return probing(log.ask)(pattern);
}

describe('a probe of the log', () => {
  it('is good once a line matches, reads each line once, and stays good', async () => {
    const log = new Log();
    const ask = probing(log.ask);
    expect(await ask('^ready')).toEqual({ ok: false, evidence: 'no line of its log matches /^ready/ so far; it has printed nothing' });
    log.print('starting\nnot ready\n');
    expect(await ask('^ready')).toEqual({ ok: false, evidence: 'no line of its log matches /^ready/ so far' });
    log.print('rea', 'dy on port 80\n', 'more\n');
    expect(await ask('^ready')).toEqual({ ok: true, evidence: 'a line of its log matches /^ready/' });
    expect(await ask('^ready')).toMatchObject({ ok: true });
    expect(log.asked).toEqual(['start', 'start', { after: '0' }]);
  });

  it('reads one stream where that is asked for, and keeps the lines of both apart', async () => {
    const log = new Log();
    log.print('rea', { err: 'dy' }, { err: ' to serve\n' });
    expect(await probing(log.ask)('ready')).toMatchObject({ ok: false });
    expect(await probing(log.ask, false, { stream: 'stdout' })('serve')).toEqual({ ok: false, evidence: 'no line of its stdout matches /serve/ so far' });
    expect(await probing(log.ask, false, { stream: 'stderr' })('^dy to serve$')).toMatchObject({ ok: true });
  });

  it.each([
    ['an unfinished line', 'ready', ['ready']],
    ['a line with colours', '^\\[info\\] ready$', ['\u001b[32m[info]\u001b[0m ready\r\n']],
    ['a line between binary data', 'ready', [Buffer.concat([Buffer.from([0, 255, 254, 128, 10]), Buffer.from('ready\n'), Buffer.from([192, 0])])]],
    ['a line of UTF-8 in two pieces', 'prêt…', [Buffer.from('prêt…\n').subarray(0, 3), Buffer.from('prêt…\n').subarray(3)]],
    ['a line after a long one', '^ready$', [`${'x'.repeat(10_000)}\nready\n`]],
    ['the beginning of a long line', '^ready', [`ready${'x'.repeat(10_000)}`]],
  ] as const)('finds %s', async (_, pattern, printed) => {
    expect(await asked(pattern, ...printed)).toMatchObject({ ok: true });
  });

  it.each([
    ['beyond the first 4 KiB of a line', 'ready', [`${'x'.repeat(4096)}ready\n`]],
    ['over two lines', 'a.*b', ['a\nb\n']],
    ['over a gap', 'ready', ['rea', { gap: 10 }, 'dy\n']],
  ] as const)('finds nothing %s', async (_, pattern, printed) => {
    expect(await asked(pattern, ...printed)).toMatchObject({ ok: false });
  });

  it('tells that a part was gone before it could be read', async () => {
    expect((await asked('ready', { gap: null }, 'more\n')).evidence).toBe('no line of its log matches /ready/ so far; a part was gone before it could be read');
  });

  it('of an instance that an agent before this one found healthy is good without reading: the line may be gone', async () => {
    const log = new Log();
    expect(await probing(log.ask, true)('ready')).toEqual({ ok: true, evidence: 'a line of its log matched /ready/ before this agent looked' });
    expect(log.asked).toEqual([]);
  });

  it('does not tell the line, which may hold a secret', async () => {
    expect((await asked('ready', 'ready with s3cret\n')).evidence).not.toContain('s3cret');
  });

  it('says that the runtime gives no logs, and what it says', async () => {
    expect(await askProbe({ kind: 'log', options: { pattern: 'a' } }, asking())).toEqual({ ok: false, evidence: 'its runtime gives no logs' });
    const broken: AskLogs = () => {
      throw new Error('there is no instance i1 of web');
    };
    expect(await probing(broken)('a')).toEqual({ ok: false, evidence: 'the log probe: there is no instance i1 of web' });
  });
});

describe('a log probe is not hurt by', () => {
  const explosive = `${'a'.repeat(50)}!\n`;
  const patient = { timeoutMs: 15_000 };

  it('a pattern that takes for ever: the loop runs on, that line is passed over, and a later one is found', async () => {
    const log = new Log();
    const ask = probing(log.ask);
    log.print('starting\n', explosive, 'more\n');
    let turns = 0;
    const timer = setInterval(() => turns++, 10);
    // At first it may have been the host.
    expect((await ask('^(a+)+$', patient)).evidence).toBe('no line of its log matches /^(a+)+$/ so far');
    expect(await ask('^(a+)+$', patient)).toEqual({
      ok: false,
      evidence: 'no line of its log matches /^(a+)+$/ so far; the pattern takes longer than 1 s on a part, which is passed over: make it simpler',
    });
    clearInterval(timer);
    // A loop that waits turns once for each question.
    expect(turns).toBeGreaterThan(10);
    log.print('aaa\n');
    expect(await ask('^(a+)+$', patient)).toMatchObject({ ok: true });
  });

  it('a pattern that takes for ever on line after line: it is not tried for ever', async () => {
    const log = new Log();
    const ask = probing(log.ask);
    log.print(...Array.from({ length: 20 }, () => explosive));
    const end = /^no line .*takes longer than 1 s on a part, so it is not tried any more: make it simpler$/;
    await vi.waitUntil(async () => end.test((await ask('^(a+)+$', { timeoutMs: 400 })).evidence), { timeout: 15_000, interval: 1 });
    const { read } = log;
    expect((await ask('^(a+)+$')).evidence).toMatch(end);
    expect(log.read).toBe(read);
  });

  it('the pattern of another worker that takes for ever', async () => {
    const [bad, good] = [new Log(), new Log()];
    bad.print(explosive);
    good.print('ready\n');
    const ask = probing(bad.ask);
    await ask('^(a+)+$', patient);
    const first = await Promise.race([ask('^(a+)+$', patient), probing(good.ask)('ready', patient)]);
    expect(first).toEqual({ ok: true, evidence: 'a line of its log matches /ready/' });
  });

  it('a line of 1 GB', async () => {
    const chunk = Buffer.alloc(64 * 1024, 'x');
    let sent = 0;
    const endless: AskLogs = async function* (from) {
      const first = typeof from === 'object' && 'after' in from ? Number(from.after) + 1 : 0;
      for (let n = first; n < 16_384; n++) {
        sent = n + 1;
        yield { cursor: String(n), at: null, stream: 'stdout', bytes: chunk };
      }
      yield { cursor: '16384', at: null, stream: 'stdout', bytes: Buffer.from('\nready\n') };
    };
    const ask = probing(endless);
    const before = process.memoryUsage().rss;
    const beganMs = performance.now();
    const first = await ask('^ready$');
    expect(first).toEqual({ ok: false, evidence: 'no line of its log matches /^ready$/ so far; it prints faster than it is read' });
    // A part of it each round, so that the others have their turn too.
    expect(sent).toBeLessThan(200);
    let isFound = false;
    while (!isFound && performance.now() - beganMs < 15_000) isFound = (await ask('^ready$')).ok;
    expect(isFound).toBe(true);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20);
  });

  it('a flood of lines without end: the answer comes in time', async () => {
    const flood: AskLogs = async function* (from) {
      let n = typeof from === 'object' && 'after' in from ? Number(from.after) + 1 : 0;
      for (; ; n++) yield { cursor: String(n), at: null, stream: n % 2 === 0 ? 'stdout' : 'stderr', bytes: Buffer.from('GET / 200\n') };
    };
    const beganMs = performance.now();
    const answer = await probing(flood)('ready', { timeoutMs: 2000 });
    expect(performance.now() - beganMs).toBeLessThan(4000);
    expect(answer).toEqual({ ok: false, evidence: 'no line of its log matches /ready/ so far; it prints faster than it is read' });
  });

  it('a runtime that hangs', async () => {
    const stuck = new StuckCalls();
    const hung: AskLogs = async function* () {
      await new Promise(() => {});
    };
    expect(await probing(hung)('ready', { timeoutMs: 50, stuck })).toEqual({
      ok: false,
      evidence: 'the log probe: no answer within 50 ms: its log could not be read so far',
    });
    expect(stuck.list().map(({ name }) => name)).toEqual(['log probe of web']);
  });

  it('the end of the agent', async () => {
    matcher.close();
    expect((await asked('ready', 'ready\n')).evidence).toBe('the log probe: the agent is ending');
  });
});

describe('what is left of a line', () => {
  it('is never more than 4 KiB, wherever the pieces are cut, and finds the same', () => {
    const text = Buffer.from(`one\n${'x'.repeat(5000)}\n\ntwo ${'y'.repeat(3000)} three\nready\n`);
    for (const size of [1, 7, 1000, 4096, 5000, text.length]) {
      let rest = noRest;
      let end = 0;
      for (let isFound = false; !isFound && end < text.length; end += size) {
        const answer = find({ pattern: '^ready$', rest, bytes: text.subarray(end, end + size) });
        rest = answer.rest;
        isFound = answer.isFound;
        expect(rest.bytes.length).toBeLessThanOrEqual(4096);
      }
      expect(end - text.indexOf('ready')).toBeGreaterThanOrEqual('ready'.length);
      expect(end - text.indexOf('ready')).toBeLessThan('ready'.length + size);
    }
  });
});
