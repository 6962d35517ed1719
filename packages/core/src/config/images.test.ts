import { expect, test } from 'vitest';
import { readWorker } from '../spec/index.ts';
import { load, problemOf, registry, told } from './fixtures/host-file.ts';

const dockerfile = { 'base/Dockerfile': 'FROM scratch\n', 'app/Dockerfile': 'ARG BASE\nFROM ${BASE}\n' };
const worker = 'workers: { web: { runtime: docker, image: app } }\n';
const wrong = async (text: string, files: Readonly<Record<string, string>> = dockerfile): Promise<readonly string[]> =>
  told(await problemOf(load({ 'ostler.yaml': text, ...files })));

test('a worker stands on the chain of images that its own names, base first, paths against the file they are written in', async () => {
  const config = await load({
    'ostler.yaml': `extends: shared/base.yaml\nvars: { N: 3 }\nimages: { app: { build: { context: app, target: last, args: { N: "\${N}", "B": true } }, from: base } }\n${worker}`,
    'shared/base.yaml': 'images: { python: "python:3.12", base: { build: base, from: python } }\n',
    'shared/base/Dockerfile': 'ARG BASE\n',
    'app/Dockerfile': '',
  });
  const read = readWorker(config.workers['web']!.written, { name: 'web', runtime: 'docker', baseDir: config.baseDir, registry });
  if (!read.ok) throw new Error(JSON.stringify(read.issues));
  expect(JSON.parse(JSON.stringify(read.normal.spec.images).replaceAll(config.baseDir, ''))).toEqual([
    { name: 'python', reference: 'python:3.12', build: null },
    { name: 'base', reference: null, build: { context: '/shared/base', dockerfile: null, target: null, args: {}, from: 'python' } },
    { name: 'app', reference: null, build: { context: '/app', dockerfile: null, target: 'last', args: { N: '3', B: 'true' }, from: 'base' } },
  ]);
});

test('`build` in place is an image of the worker’s own name, and its block may have another', async () => {
  const config = await load({
    'ostler.yaml': 'workers: { web: { runtime: docker, build: app, docker: { build: { context: base, dockerfile: Dockerfile } } } }\n',
    ...dockerfile,
  });
  const read = readWorker(config.workers['web']!.written, { name: 'web', runtime: 'docker', baseDir: config.baseDir, registry });
  expect(read.ok && read.normal.spec.images.map(({ name, build }) => [name, build?.context.replace(config.baseDir, '')])).toEqual([['web', '/base']]);
});

test.each([
  [
    'a base that is not there',
    'images: { app: { build: app, from: bsae }, base: { build: base } }\n',
    ['1:36 images.app.from: `images` has no `bsae` | Did you mean `base`?'],
  ],
  [
    'a circle, with its path',
    'images: { app: { build: app, from: b }, b: { build: base, from: c }, c: { build: base, from: app } }\n',
    ['1:94 images stand on each other in a circle: app -> b -> c -> app | Remove one `from`.'],
  ],
  [
    'an image that stands on itself',
    'images: { app: { build: app, from: app } }\n',
    ['1:36 images stand on each other in a circle: app -> app | Remove one `from`.'],
  ],
  [
    'image and build',
    'images: { app: { image: nginx, build: app } }\n',
    ['1:39 images.app: `image` and `build` cannot both be given | Keep the one that says where it comes from.'],
  ],
  [
    'from without build',
    'images: { app: { image: nginx, from: base }, base: { build: base } }\n',
    [expect.stringMatching(/^1:38 images\.app\.from: what is not built stands on nothing/)],
  ],
  [
    'a number that would change',
    'images: { app: { build: { context: app, args: { V: 1.10 } } } }\n',
    [expect.stringMatching(/^1:52 .*images\.app\.build\.args\.V/)],
  ],
  [
    'BASE given twice',
    'images: { app: { build: { context: app, args: { BASE: x } }, from: base }, base: { build: base } }\n',
    [expect.stringMatching(/^1:49 images\.app: `from` gives the build argument BASE/)],
  ],
  [
    'a context that is not there',
    'images: { app: { build: none } }\n',
    [expect.stringMatching(/^1:25 images\.app\.build: the folder to build from, none, does not exist/)],
  ],
  ['a context that is a file', 'images: { app: { build: app/Dockerfile } }\n', [expect.stringMatching(/^1:25 .*is no folder/)]],
  [
    'a context that is far away',
    'images: { app: { build: "https://example.com/x.git" } }\n',
    [expect.stringMatching(/^1:25 images\.app\.build: https:\/\/example\.com\/x\.git is no folder of this host/)],
  ],
  [
    'a Dockerfile that is not there',
    'images: { app: { build: { context: app, dockerfile: Other } } }\n',
    [expect.stringMatching(/^1:53 images\.app\.build: there is no file app\/Other/)],
  ],
])('%s is refused at its place', async (_, images, expected) => {
  expect(await wrong(images + worker)).toEqual(expected);
});

test('what no worker here stands on need not be there; what one does is told once', async () => {
  await load({ 'ostler.yaml': `images: { app: { build: app }, other: { build: none } }\n${worker}`, ...dockerfile });
  const two =
    'workers: { one: { runtime: docker, image: app }, two: { runtime: docker, image: app }, three: { runtime: docker, build: { context: app, dockerfile: no } } }\n';
  expect(await wrong(`images: { app: { build: none } }\n${two}`)).toEqual([
    expect.stringMatching(/^1:25 images\.app\.build/),
    expect.stringMatching(/^2:\d+ workers\.three\.build: there is no file app\/no/),
  ]);
});
