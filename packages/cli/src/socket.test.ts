import { findPaths } from '@ostler/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { socketPath } from './socket.ts';

const folder = fc.oneof(
  fc.constantFrom('/var/lib/ostler', '/home/a/.local/state/ostler', '/usr/local/var/ostler', '/', '.', '', 'relative/data'),
  fc.string({ unit: fc.constantFrom('a', 'ö', '/', '.', ' '), maxLength: 130 }).map((text) => `/${text}`),
);
const maybe = <X>(value: fc.Arbitrary<X>): fc.Arbitrary<X | undefined> => fc.option(value, { nil: undefined });

test('a client looks for the socket exactly where core’s findPaths puts it', () => {
  const input = fc.record({
    dataDir: maybe(folder),
    socket: maybe(folder),
    uid: fc.constantFrom(0, 1000),
    platform: fc.constantFrom('linux' as const, 'darwin' as const),
    home: fc.constantFrom('/home/a', '/root'),
    env: fc.record({ OSTLER_SOCKET: maybe(folder), OSTLER_DATA_DIR: maybe(folder), XDG_RUNTIME_DIR: maybe(folder), XDG_STATE_HOME: maybe(folder) }),
  });
  fc.assert(
    fc.property(input, (given) => {
      expect(socketPath(given)).toBe(findPaths({ ...given, memoryFolders: [] }).socket);
    }),
    { numRuns: 2000 },
  );
});
