import { signalNumber } from '@ostler/sdk';
import { z } from 'zod';
import { duration, size, someTime } from './quantity.ts';
import { count, flag, label, labelExpected, text, word } from './text.ts';
import { command } from './words.ts';

const policies = ['always', 'on-failure', 'on-success', 'never', 'unless-stopped', 'no'] as const;
/** `no` and `unless-stopped` are Compose's words for what ostler does anyway: a hold survives. */
const policy = word(policies).transform((value) => (value === 'unless-stopped' ? 'always' : value === 'no' ? 'never' : value));

const backoff = z
  .strictObject({
    first: duration().optional(),
    min: someTime().optional(),
    max: someTime().optional(),
    factor: z
      .number({ error: 'expected a number from 1 to 100' })
      .min(1, { error: 'expected a number from 1 to 100' })
      .max(100, { error: 'expected a number from 1 to 100' })
      .optional(),
    jitter: z
      .number({ error: 'expected a number from 0 to 1' })
      .min(0, { error: 'expected a number from 0 to 1' })
      .max(1, { error: 'expected a number from 0 to 1' })
      .optional(),
  })
  .refine((value) => value.min === undefined || value.max === undefined || value.min <= value.max, { error: '`min` is longer than `max`', path: ['min'] });

export const restart = () =>
  z.union(
    [
      policy.transform((value) => ({ policy: value })),
      z.strictObject({
        policy: policy.optional(),
        backoff: backoff.optional(),
        resetAfter: someTime().optional(),
        giveUp: z.union([z.literal(false), count(1)], { error: 'expected the number of restarts in a row after which it is given up, or false' }).optional(),
        successCodes: z.array(count(0, 255), { error: 'expected a list of exit codes' }).min(1, { error: 'expected at least one exit code' }).optional(),
        memoryAbove: size().optional(),
        maxAge: duration()
          .refine((ms) => ms >= 60_000, { error: 'expected 1m or more' })
          .optional(),
        at: text('a cron line').optional(),
      }),
    ],
    { error: `expected ${policies.slice(0, 4).join(', ')}, or { policy, backoff, resetAfter, giveUp, successCodes, memoryAbove, maxAge, at }` },
  );

const signals =
  'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO SYS'.split(' ');
/** `TERM` and `SIGTERM` alike; the full name in the result. */
export const signal = () =>
  z.string({ error: 'expected the name of a signal, such as SIGTERM' }).transform((value, context) => {
    const short = value.toUpperCase().replace(/^SIG/, '');
    if (signals.includes(short) || (short.startsWith('RT') && signalNumber(`SIG${short}`) !== null)) return `SIG${short}`;
    context.addIssue({ code: 'custom', message: 'expected the name of a signal, such as SIGTERM, SIGINT, SIGQUIT or SIGRTMIN+3' });
    return z.NEVER;
  });

export const stop = () =>
  z.strictObject(
    { signal: signal().optional(), grace: duration().optional(), command: command().optional() },
    { error: (issue) => (issue.code === 'unrecognized_keys' ? undefined : 'expected { signal, grace }') },
  );

const dependency = z.union(
  [
    text('healthy, started, completed or ended').transform((is) => ({ is })),
    z.strictObject({
      is: text('healthy, started, completed or ended'),
      optional: flag().optional(),
      restartWithIt: flag().optional(),
      stopWithIt: flag().optional(),
    }),
  ],
  { error: 'expected healthy, started, completed or ended, or { is, optional, restartWithIt, stopWithIt }' },
);

/** States of workers; those of integrations are theirs to name, so the words are checked where it is known what a name is. */
export const workerStates: readonly string[] = ['healthy', 'started', 'completed', 'ended'];
export const dependsOn = () => z.record(z.string(), dependency, { error: 'expected a map of workers and states, such as { db: healthy }' });

export const schedule = () =>
  z.union(
    [
      text('a cron line').transform((cron) => ({ cron })),
      z.strictObject({
        cron: text('a cron line such as `0 3 * * *`'),
        timezone: text('a time zone such as Europe/Berlin').optional(),
        overlap: word(['skip', 'queue', 'replace', 'allow']).optional(),
        missed: word(['skip', 'once']).optional(),
        timeout: someTime().optional(),
      }),
    ],
    { error: 'expected a cron line such as "0 3 * * *", or { cron, timezone, overlap, missed, timeout }' },
  );

export const update = () =>
  z.strictObject({
    strategy: word(['recreate', 'start-first']).optional(),
    healthyWithin: someTime().optional(),
    stableFor: duration().optional(),
    onFailure: word(['rollback', 'stop']).optional(),
    image: z.strictObject({ policy: text().optional(), every: someTime().optional(), window: text().optional() }).optional(),
    lock: text('a path').optional(),
  });

export const workerName = () => z.string().regex(label, { error: labelExpected });
