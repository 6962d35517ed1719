import { expect, test } from 'vitest';
import { basesOf, parseDockerfile, stageOf } from './dockerfile.ts';

const text = `# syntax=docker/dockerfile:1
ARG BASE=python:3.12
ARG MIRROR
FROM --platform=$BUILDPLATFORM \${BASE}-slim AS Build
ARG INSIDE=1
RUN <<EOF
FROM nowhere
EOF
RUN echo \\
  # a comment within a line
  FROM there
FROM build as test
FROM \${MIRROR:-docker.io}/library/alpine@sha256:${'a'.repeat(64)}
COPY --from=build / /
FROM scratch
`;

test('stages, arguments and what they stand on are read as a builder reads them', () => {
  const read = parseDockerfile(text);
  expect(read.stages.map(({ name }) => name)).toEqual(['Build', 'test', null, null]);
  expect([...read.argNames]).toEqual(['BASE', 'MIRROR', 'INSIDE']);
  expect(basesOf(read, {})).toEqual(['python:3.12-slim', `docker.io/library/alpine@sha256:${'a'.repeat(64)}`]);
  expect(basesOf(read, { BASE: 'x/y:1', MIRROR: 'm:5000' })).toEqual(['x/y:1-slim', `m:5000/library/alpine@sha256:${'a'.repeat(64)}`]);
});

test.each([
  ['BUILD', 'Build'],
  ['test', 'test'],
  ['3', '3'],
  ['4', null],
  ['nowhere', null],
])('the target %s is the stage %s', (target, is) => {
  expect(stageOf(parseDockerfile(text), target)).toBe(is);
});
