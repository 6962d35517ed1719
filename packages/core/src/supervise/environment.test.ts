import { expect, test } from 'vitest';
import { emptyRegistry, normalise } from '../spec/index.ts';
import { environmentOf } from './environment.ts';

const ref = { agent: 'a', worker: 'web', generation: '1-0', instance: 'i1' };
const environment = (written: object) => {
  const { spec, rules } = normalise(
    { runtime: 'native', command: ['x'], ...written },
    { name: 'web', runtime: 'native', baseDir: '/', registry: emptyRegistry },
  );
  return environmentOf(ref, spec, rules, { name: 'host', addressOf: () => '127.0.0.1:1' });
};

test('a worker is told who it is, its ports and where its dependencies are', () => {
  expect(environment({ ports: ['8080:8080', { name: 'admin', port: 9 }], dependsOn: { 'my-db': 'started' } })).toEqual({
    ...{ OSTLER_WORKER: 'web', OSTLER_INSTANCE: 'i1', OSTLER_GENERATION: '1-0', OSTLER_HOST_NAME: 'host' },
    ...{ PORT: '8080', PORT_8080: '8080', PORT_ADMIN: '9', OSTLER_ADDR_MY_DB: '127.0.0.1:1' },
  });
});

test('what its own environment says of PORT stays as it is written; who it is, nobody else says', () => {
  expect(environment({ ports: ['8080:8080'], env: { PORT: '80', PORT_8080: 'x', OSTLER_WORKER: 'y' } })).toMatchObject({ OSTLER_WORKER: 'web' });
  expect(Object.keys(environment({ ports: ['8080:8080'], env: { PORT: '80', PORT_8080: 'x' } }))).not.toContain('PORT');
});
