import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Capable, normalise, unable } from './index.ts';

const registry = { runtimes: new Map([['deaf', { class: 'process' as const, options: z.strictObject({}) }]]) };
const normalOf = (more: object) => normalise({ command: 'a', ...more } as never, { name: 'web', runtime: 'deaf', baseDir: '/h', registry });
const withHealth = (health: object) => normalOf({ health });
const [deaf, mute]: readonly Capable[] = [
  { name: 'deaf', driver: {} },
  { name: 'mute', driver: {} },
];
const hears = (name: string): Capable => ({ name, driver: { notified: async () => null } });

describe('a worker that tells of itself by sd_notify(3)', () => {
  it('is refused on a runtime that does not hear it, with the field and the runtimes that do', () => {
    const spec = withHealth({ notify: true });
    expect(unable(spec, deaf!, [deaf!, hears('podman'), mute!, hears('native')])).toEqual([
      {
        level: 'refused',
        field: 'health.notify',
        text: expect.stringMatching(/health\.notify .*the deaf runtime.*of the runtimes of this host, native and podman can/),
      },
    ]);
    expect(unable(spec, deaf!, [deaf!])[0]?.text).toContain('nor does any other runtime of this host');
  });

  it('is not refused where it is heard, nor where it does not tell', () => {
    expect(unable(withHealth({ notify: { watchdog: '10s' } }), hears('native'), [])).toEqual([]);
    expect(unable(withHealth({ notify: false, exec: 'true' }), deaf!, [])).toEqual([]);
    expect(unable(withHealth({}), deaf!, [])).toEqual([]);
  });
});

describe('a worker that is restarted for its memory', () => {
  const rule = normalOf({ restart: { memoryAbove: '64MiB' } });
  const counts: Capable = { name: 'native', driver: { stats: async () => [] } };
  it('is refused on a runtime that does not tell how much it uses, with the field and the runtimes that do', () => {
    expect(unable(rule, deaf!, [deaf!, counts])).toEqual([
      { level: 'refused', field: 'restart.memoryAbove', text: expect.stringMatching(/restart\.memoryAbove .*the deaf runtime.*this host, native can.*limits/) },
    ]);
  });
  it('is not refused where that is told', () => {
    expect(unable(rule, counts, [])).toEqual([]);
  });
});
