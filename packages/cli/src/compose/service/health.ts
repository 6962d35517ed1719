import { Text } from '../file/text.ts';
import { type Out, type OutMap, record } from '../out.ts';
import { durationText } from '../quantity.ts';
import type { Service } from './service.ts';

/** What the engine takes where a healthcheck says nothing. */
const usual = { intervalMs: 30_000, timeoutMs: 30_000, retries: 3 };

/** `healthcheck`; without a `test` it changes the check of the image. Compose leaves an unhealthy container alone, and so do the `defaults` that are written. */
export function writeHealth(service: Service): void {
  const health = service.fields.map('healthcheck');
  const onUnhealthy = wantsRestart(service) ? 'restart' : null;
  if (health === null) {
    service.write('health', record({ onUnhealthy }));
    return;
  }
  health.only(['disable', 'test', 'interval', 'timeout', 'retries', 'start_period', 'start_interval']);
  const test = testOf(service);
  if (health.flag('disable') || test === 'none') {
    service.write('health', record({ image: false }));
    return;
  }
  const time = (key: string): number | null => {
    const ms = health.duration(key);
    return ms === null || ms === 0 ? null : ms;
  };
  const written = { intervalMs: time('interval'), timeoutMs: time('timeout'), startMs: time('start_period'), startIntervalMs: time('start_interval') };
  const retries = health.number('retries');
  const tries = retries === null || retries <= 0 ? null : retries;
  if (test === null && service.isJob) {
    if (health.names.length > 0) health.left('', 'the check of its image says nothing of a job');
    return;
  }
  service.write('health', test === null ? timesOfImage(written, tries, onUnhealthy) : ownCheck(test, written, tries, onUnhealthy));
}

interface Times {
  readonly intervalMs: number | null;
  readonly timeoutMs: number | null;
  readonly startMs: number | null;
  readonly startIntervalMs: number | null;
}

/** What is not written is the image's. */
function timesOfImage({ intervalMs, timeoutMs, startMs, startIntervalMs }: Times, retries: number | null, onUnhealthy: Out | null): OutMap {
  const time = (ms: number | null): string | null => (ms === null ? null : durationText(ms));
  return record({
    ...{ interval: time(intervalMs), timeout: time(timeoutMs), retries, startPeriod: time(startMs), startInterval: time(startIntervalMs) },
    onUnhealthy,
  });
}

function ownCheck(test: Out, times: Times, retries: number | null, onUnhealthy: Out | null): OutMap {
  const intervalMs = times.intervalMs ?? usual.intervalMs;
  const tries = retries ?? usual.retries;
  return record({
    exec: test,
    interval: durationText(intervalMs),
    timeout: durationText(times.timeoutMs ?? usual.timeoutMs),
    retries: tries === usual.retries ? null : tries,
    // So long Compose waits before it calls one unhealthy that never was well; ostler asks more often until then.
    startPeriod: durationText((times.startMs ?? 0) + intervalMs * tries),
    startInterval: times.startIntervalMs === null ? null : durationText(Math.min(times.startIntervalMs, intervalMs)),
    onUnhealthy,
  });
}

/** Labels by which people have an unhealthy container restarted. */
const wantsRestart = ({ fields }: Service): boolean => fields.pairs('labels').some(({ name, text }) => name === 'autoheal' && text?.now === 'true');

/** null: it has no test of its own. */
function testOf(service: Service): Out | null | 'none' {
  const health = service.fields.map('healthcheck')!;
  const node = health.node('test');
  if (node === undefined) return null;
  const shell = (line: Text): readonly Out[] => ['/bin/sh', '-c', line];
  if (node.is === 'scalar') {
    const { now } = node.text!;
    return now === '' ? null : now === 'NONE' ? 'none' : shell(node.text!);
  }
  const words = health.texts('test').map(({ text }) => text);
  const [kind, ...rest] = words;
  if (kind === undefined) return null;
  if (kind.now === 'NONE') return 'none';
  if ((kind.now === 'CMD' || kind.now === 'CMD-SHELL') && rest.length > 0)
    return kind.now === 'CMD' ? rest : shell(new Text(rest.flatMap((word, index) => (index === 0 ? word.pieces : [' ', ...word.pieces]))));
  health.bad(
    'test',
    'a list begins with CMD, CMD-SHELL or NONE, and says what to run',
    'Write `["CMD", "curl", "-f", "http://localhost"]`, or one text for a shell.',
  );
  return 'none';
}
