import { Text } from '../file/text.ts';
import { type Out, record } from '../out.ts';
import { durationText } from '../quantity.ts';
import type { Service } from './service.ts';

/** What the engine takes where a healthcheck says nothing. */
const usual = { intervalMs: 30_000, timeoutMs: 30_000, retries: 3 };

/** `healthcheck`. An unhealthy container is told of and left alone by Compose, so it is here, unless its labels ask for more. */
export function writeHealth(service: Service): void {
  const health = service.fields.map('healthcheck');
  if (health === null) return;
  health.only(['disable', 'test', 'interval', 'timeout', 'retries', 'start_period', 'start_interval']);
  const test = testOf(service);
  if (health.flag('disable') || test === 'none') {
    service.write('health', record({ image: false }));
    return;
  }
  if (test === null) {
    if (health.names.length > 0)
      health.left('', 'it changes the image’s own check, which this version does not ask: write the check as `health: { exec: […] }`');
    return;
  }
  const time = (key: string): number | null => {
    const ms = health.duration(key);
    return ms === null || ms === 0 ? null : ms;
  };
  const intervalMs = time('interval') ?? usual.intervalMs;
  const retries = health.number('retries');
  const startMs = time('start_period') ?? 0;
  const tries = retries === null || retries <= 0 ? usual.retries : retries;
  const startInterval = time('start_interval');
  service.write(
    'health',
    record({
      exec: test,
      interval: durationText(intervalMs),
      timeout: durationText(time('timeout') ?? usual.timeoutMs),
      retries: tries === usual.retries ? null : tries,
      // So long Compose waits before it calls one unhealthy that never was well; ostler asks more often until then.
      startPeriod: durationText(startMs + intervalMs * tries),
      startInterval: startInterval === null ? null : durationText(Math.min(startInterval, intervalMs)),
      onUnhealthy: wantsRestart(service) ? null : 'report',
    }),
  );
  if (!wantsRestart(service))
    service.fields.differs(
      'healthcheck',
      'Compose tells that a container is unhealthy and lets it be; take `onUnhealthy: report` away, and ostler restarts it',
    );
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
