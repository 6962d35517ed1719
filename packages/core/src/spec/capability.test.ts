import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Capable, normalise, unable } from './index.ts';

const registry = { runtimes: new Map([['deaf', { class: 'process' as const, options: z.strictObject({}) }]]) };
const specOf = (health: object) => normalise({ command: 'a', health } as never, { name: 'web', runtime: 'deaf', baseDir: '/h', registry }).spec;
const [deaf, mute]: readonly Capable[] = [
  { name: 'deaf', driver: {} },
  { name: 'mute', driver: {} },
];
const hears = (name: string): Capable => ({ name, driver: { notified: async () => null } });

describe('a worker that tells of itself by sd_notify(3)', () => {
  it('is refused on a runtime that does not hear it, with the field and the runtimes that do', () => {
    const spec = specOf({ notify: true });
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
    expect(unable(specOf({ notify: { watchdog: '10s' } }), hears('native'), [])).toEqual([]);
    expect(unable(specOf({ notify: false, exec: 'true' }), deaf!, [])).toEqual([]);
    expect(unable(specOf({}), deaf!, [])).toEqual([]);
  });
});
