import { expect, test } from 'vitest';
import { isRepository, parseReference } from './reference.ts';

const digest = `sha256:${'a'.repeat(64)}`;

test.each([
  ['nginx', 'docker.io/library/nginx', 'docker.io', 'latest', null],
  ['nginx:1.27', 'docker.io/library/nginx', 'docker.io', '1.27', null],
  ['grafana/grafana', 'docker.io/grafana/grafana', 'docker.io', 'latest', null],
  ['index.docker.io/library/nginx', 'docker.io/library/nginx', 'docker.io', 'latest', null],
  ['127.0.0.1:5000/app', '127.0.0.1:5000/app', '127.0.0.1:5000', 'latest', null],
  ['localhost/a/b:x', 'localhost/a/b', 'localhost', 'x', null],
  [`ghcr.io/o/r@${digest}`, 'ghcr.io/o/r', 'ghcr.io', null, digest],
  [`ghcr.io/o/r:v1@${digest}`, 'ghcr.io/o/r', 'ghcr.io', 'v1', digest],
])('%s is read as the engines read it', (text, repository, registry, tag, pinned) => {
  expect(parseReference(text)).toEqual({ repository, registry, tag, digest: pinned });
});

test.each(['', 'UPPER', 'a b', 'a@sha256:12', 'a:', '-a', 'a//b'])('%j is refused', (text) => {
  expect(() => parseReference(text)).toThrow(/is no image name/);
});

test('what engines write in RepoDigests is the same repository, with and without Docker’s own hub', () => {
  const nginx = parseReference('nginx');
  expect([`nginx@${digest}`, `docker.io/library/nginx@${digest}`, `quay.io/nginx@${digest}`].map((written) => isRepository(written, nginx))).toEqual([
    true,
    true,
    false,
  ]);
});
