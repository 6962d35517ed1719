import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Artifact, Call, ImageBuild, WorkerSpec } from '@ostler/sdk';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Connection } from './engine/connection.ts';
import { baseImage, importBaseImage } from './fixtures/base-image.ts';
import { type TestEngine, testDockerd } from './fixtures/dockerd.ts';
import { opened } from './fixtures/opened.ts';
import { testPodman } from './fixtures/podman-service.ts';
import { podmanUlimits } from './fixtures/probe.ts';
import { callFor } from './fixtures/scripted-engine.ts';

const abilities = JSON.parse(process.env['OSTLER_ABILITIES'] ?? '{}') as Readonly<Record<string, string | null>>;
const begin = `ARG BASE\nFROM \${BASE}\n`;

describe.each([
  ['docker', testDockerd, {}],
  ['podman', testPodman, { ulimits: podmanUlimits }],
] as const)('images built by %s', (runtime, make, defaults) => {
  const isHere = abilities[runtime] === null;
  let engine: TestEngine;
  let raw: Connection;
  let d: ReturnType<typeof opened>;
  let dir: string;

  beforeAll(async () => {
    if (!isHere) return;
    engine = make();
    await engine.start();
    await importBaseImage(engine.socketPath, engine.dir);
    raw = new Connection(() => ({ url: engine.host, saidBy: 'the test', socketPath: engine.socketPath }), runtime);
    d = opened(engine.host, runtime, defaults);
  }, 60_000);
  afterAll(async () => {
    await d?.end();
    raw?.close();
    await engine?.end();
  }, 60_000);
  beforeEach(() => {
    if (isHere) dir = mkdtempSync(join(engine.dir, 'context-'));
  });

  const put = (files: Readonly<Record<string, string>>, at = 'app'): string => {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(dir, at, path, '..'), { recursive: true });
      writeFileSync(join(dir, at, path), text);
    }
    return join(dir, at);
  };
  const build = (context: string, more: Partial<ImageBuild> = {}): ImageBuild => ({ context, dockerfile: null, target: null, args: {}, from: null, ...more });
  const python: WorkerSpec['images'][number] = { name: 'python', reference: baseImage, build: null };
  /** The app on the image that is there. */
  const chain = (context: string, more: Partial<ImageBuild> = {}): WorkerSpec['images'] => [
    python,
    { name: 'app', reference: null, build: build(context, { from: 'python', ...more }) },
  ];
  const specOf = (images: WorkerSpec['images'], command: readonly string[] | null = null): WorkerSpec => d.specOf(command, { images });
  const secrets = { files: [], env: {} };
  const telling = (into: string[]): Call => ({ ...callFor(60_000), output: (bytes) => void into.push(Buffer.from(bytes).toString('utf8')) });
  const made = async (images: WorkerSpec['images'], call: Call = callFor(60_000)): Promise<Artifact> => {
    const spec = specOf(images);
    const artifact = await d.driver.resolve(spec, call);
    await d.driver.prepare({ spec, artifact, secrets }, call);
    return artifact;
  };
  const printed = async (images: WorkerSpec['images'], command: readonly string[] | null = null): Promise<string> => {
    await made(images);
    const { target } = await d.start(command, { images });
    await d.ended(target);
    return d.text(target);
  };
  const images = async (): Promise<readonly string[]> => {
    const { value } = await raw.json<readonly { readonly Id: string }[]>({ path: '/images/json?all=true', what: 'list', signal: AbortSignal.timeout(10_000) });
    return value.map(({ Id }) => Id).sort();
  };
  const files = (context: string): Promise<string> => printed(chain(context), ['sh', '-c', 'cd /ctx && find . | sort']);
  const copyAll = `${begin}COPY . /ctx\n`;

  test.skipIf(!isHere)('a chain is built in order, its arguments arrive, and what is there is not built again', { timeout: 120_000 }, async () => {
    const base = put({ Dockerfile: `${begin}RUN cat /proc/sys/kernel/random/uuid >/made && echo base >/what\n` }, 'base');
    const app = put({ Dockerfile: `${begin}ARG WHO\nCOPY hello /\nRUN echo "$WHO" >>/what\nCMD ["cat", "/made", "/what", "/hello"]\n`, hello: 'hello\n' });
    const three = [
      python,
      { name: 'base', reference: null, build: build(base, { from: 'python' }) },
      { name: 'app', reference: null, build: build(app, { from: 'base', args: { WHO: 'me' } }) },
    ];
    const first = await printed(three);
    expect(first).toMatch(/^[0-9a-f-]{36}\nbase\nme\nhello\n$/);
    const before = await images();
    utimesSync(join(app, 'hello'), 1e9, 1e9);
    expect(await printed(three)).toBe(first);
    expect(await images()).toEqual(before);
    // Its base has changed: both are another content, and the change is told of the base alone.
    const [old, artifact] = [
      await d.driver.resolve(specOf(three), d.call()),
      (appendFileSync(join(base, 'Dockerfile'), 'RUN echo more >>/what\n'), await made(three)),
    ];
    expect(artifact.digest).not.toBe(old.digest);
    expect(Object.keys(artifact.inputs).filter((name) => artifact.inputs[name] !== old.inputs[name])).toEqual(['image base']);
    expect(await printed(three)).toContain('base\nmore\nme\n');
  });

  test.skipIf(!isHere)('two who want it at once share one build, and both hear what it prints', { timeout: 60_000 }, async () => {
    const app = put({ Dockerfile: `${begin}RUN echo begun; sleep 1; cat /proc/sys/kernel/random/uuid\n` });
    const [one, two]: [string[], string[]] = [[], []];
    await Promise.all([made(chain(app), telling(one)), made(chain(app), telling(two))]);
    const uuids = (texts: readonly string[]): readonly string[] => texts.join('').match(/[0-9a-f]{8}-[0-9a-f-]{27}/g) ?? [];
    expect(uuids(one).length).toBeGreaterThan(0);
    expect(uuids(two)).toEqual(uuids(one));
  });

  test.skipIf(!isHere)(
    'a build that fails says so with its last lines, and leaves at most one image without a name, until the next try',
    { timeout: 120_000 },
    async () => {
      const app = put({ Dockerfile: `${begin}RUN echo 1 >/one\nRUN echo the reason >&2; exit 3\n` });
      const before = await images();
      const failing = made(chain(app));
      await expect(failing).rejects.toMatchObject({
        code: 'build-failed',
        outcome: 'no',
        message: expect.stringMatching(/^the build of the image app failed: .*3/s),
        cause: expect.stringContaining('the reason'),
      });
      for (let tries = 0; tries < 3; tries += 1) {
        appendFileSync(join(app, 'Dockerfile'), `RUN echo ${String(tries)}\n`);
        writeFileSync(join(app, 'Dockerfile'), `${begin}RUN echo ${String(tries)} >/one\nRUN exit 3\n`);
        await expect(made(chain(app))).rejects.toMatchObject({ code: 'build-failed' });
      }
      const left = (await images()).filter((id) => !before.includes(id));
      expect(left.length).toBeLessThanOrEqual(runtime === 'docker' ? 0 : 2);
      writeFileSync(join(app, 'Dockerfile'), `${begin}RUN echo fine >/one\n`);
      await made(chain(app));
      expect((await images()).filter((id) => left.includes(id))).toEqual([]);
    },
  );

  test.skipIf(!isHere)('a target, and a Dockerfile outside of the context', { timeout: 60_000 }, async () => {
    const app = put({ hello: 'hello\n' });
    put({ 'Other.Dockerfile': `${begin.trim()} AS first\nCOPY hello /\nCMD ["cat", "/hello"]\nFROM first AS last\nCMD ["echo", "last"]\n` }, '.');
    expect(await printed(chain(app, { dockerfile: '../Other.Dockerfile', target: 'First' }))).toBe('hello\n');
    expect(await printed(chain(app, { dockerfile: '../Other.Dockerfile' }))).toBe('last\n');
  });

  test.skipIf(!isHere)(
    'what is in the context is in the image: links, modes, long names; what .dockerignore leaves out is not',
    { timeout: 60_000 },
    async () => {
      const long = `${'d/'.repeat(60)}name`;
      const app = put({
        Dockerfile: copyAll,
        [long]: 'x',
        'node_modules/a': 'x',
        'keep/b.md': 'x',
        'c.md': 'x',
        'grüße/☃': 'x',
        '.dockerignore': '.dockerignore\nnode_modules\n**/*.md\n!keep/*.md\n',
      });
      symlinkSync('c', join(app, 'link'));
      const found = (await files(app)).split('\n').filter((path) => path !== './Dockerfile');
      expect(found).toEqual(expect.arrayContaining([`./${long}`, './keep/b.md', './grüße/☃', './link']));
      expect(found).not.toEqual(expect.arrayContaining(['./node_modules']));
      expect(found.filter((path) => /node_modules|c\.md|dockerignore/.test(path))).toEqual([]);
    },
  );

  test.skipIf(!isHere)('the context is changed before it could be built: nothing else is built than what was pinned', { timeout: 60_000 }, async () => {
    const app = put({ Dockerfile: copyAll, a: 'x' });
    const spec = specOf(chain(app));
    const artifact = await d.driver.resolve(spec, d.call());
    appendFileSync(join(app, 'a'), 'y');
    await expect(d.driver.prepare({ spec, artifact, secrets }, d.call())).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('ostler apply'),
    });
  });

  test.skipIf(!isHere)('a build that nobody waits for any more is called off, and leaves no image', { timeout: 60_000 }, async () => {
    const app = put({ Dockerfile: `${begin}RUN echo begun; sleep 30\n` });
    const before = await images();
    const gone = new AbortController();
    const call = {
      ...callFor(60_000, gone.signal),
      output: (bytes: Uint8Array) => void (Buffer.from(bytes).toString('utf8').includes('begun') && gone.abort()),
    };
    await expect(made(chain(app), call)).rejects.toMatchObject({ code: 'aborted', outcome: 'no' });
    expect((await images()).filter((id) => !before.includes(id)).length).toBeLessThanOrEqual(runtime === 'docker' ? 0 : 1);
  });

  test.skipIf(!isHere || runtime === 'podman')('.dockerignore leaves out what Docker’s own command leaves out', { timeout: 120_000 }, async () => {
    const paths = ['a.md', 'b.txt', 'd/a.md', 'd/e/a.md', 'd/keep.md', 'x/y/z', 'x/[b]', 'x/b', 'temp1', 'tempq', 'q#', '-', 'sp ace/f'];
    const rules = [
      '*.md\n!d',
      '**/*.md\n!d/keep.md',
      'd/*\n!d/e',
      'x/[a-c]\ntemp?',
      '/x/y/\n# q\n q#',
      '*\n!x/y/z\n!b.txt',
      'x/**/z\nsp ace',
      '**\n!*.txt',
      'd/../x',
    ];
    for (const [index, ignore] of rules.entries()) {
      const context = put(
        Object.fromEntries([...paths.map((path) => [path, path]), ['.dockerignore', ignore], ['Dockerfile', `FROM ${baseImage}\nCOPY . /ctx\n`]]),
        `rules${String(index)}`,
      );
      const env = { PATH: process.env['PATH'], HOME: dir, DOCKER_HOST: engine.host, DOCKER_BUILDKIT: '0' };
      execFileSync('docker', ['build', '-q', '-t', `theirs:${String(index)}`, context], { env, stdio: ['ignore', 'ignore', 'pipe'] });
      const theirs = await printed([{ name: 'theirs', reference: `theirs:${String(index)}`, build: null }], ['sh', '-c', 'cd /ctx && find . -type f | sort']);
      const ours = await printed([{ name: 'ours', reference: null, build: build(context) }], ['sh', '-c', 'cd /ctx && find . -type f | sort']);
      const relevant = (text: string): readonly string[] => text.split('\n').filter((path) => !/Dockerfile|dockerignore/.test(path));
      expect({ ignore, files: relevant(ours) }).toEqual({ ignore, files: relevant(theirs) });
    }
  });

  test.skipIf(!isHere || runtime === 'podman')('a build keeps a cache of its own between its runs, as BuildKit alone can', { timeout: 60_000 }, async () => {
    const dockerfile = (run: number): string =>
      `${begin}RUN --mount=type=cache,target=/kept cat /kept/* >/found 2>/dev/null; echo run ${String(run)} >>/kept/runs\nCMD ["cat", "/found"]\n`;
    const app = put({ Dockerfile: dockerfile(1) });
    expect(await printed(chain(app))).toBe('');
    writeFileSync(join(app, 'Dockerfile'), dockerfile(2));
    expect(await printed(chain(app))).toBe('run 1\n');
  });

  test.skipIf(!isHere || runtime === 'podman')('commands of a build run also where the engine has no bridge', { timeout: 60_000 }, async () => {
    const bare = testDockerd(['--bridge=none', '--iptables=false', '--ip6tables=false']);
    try {
      await bare.start();
      await importBaseImage(bare.socketPath, bare.dir);
      const own = opened(bare.host);
      const context = put({ Dockerfile: `FROM ${baseImage}\nRUN ip link show lo\n` });
      const spec = own.specOf(null, { images: [{ name: 'app', reference: null, build: build(context) }] });
      const said: string[] = [];
      await own.driver.prepare({ spec, artifact: await own.driver.resolve(spec, own.call()), secrets }, telling(said));
      expect(said.join('')).toContain('LOOPBACK');
      await own.end();
    } finally {
      await bare.end();
    }
  });

  test.skipIf(!isHere)(
    'what no generation needs is collected: own images alone, with none of those that stand in keep or that a container has',
    { timeout: 60_000 },
    async () => {
      const app = put({ Dockerfile: copyAll, a: '1' });
      const artifacts: Artifact[] = [];
      for (const text of ['1', '2', '3']) {
        writeFileSync(join(app, 'a'), text);
        artifacts.push(await made(chain(app)));
        if (text === '1') await d.start(['sleep', '60'], { images: chain(app) });
      }
      const other = opened(engine.host, runtime, defaults);
      writeFileSync(join(app, 'a'), '4');
      const spec = specOf(chain(app));
      const theirs = await other.driver.resolve(spec, d.call());
      await other.driver.prepare({ spec, artifact: theirs, secrets }, d.call());
      await d.driver.collect([artifacts[2]!], d.call());
      const tags = async (): Promise<readonly string[]> => {
        const { value } = await raw.json<readonly { readonly RepoTags: readonly string[] | null }[]>({
          path: '/images/json',
          what: 'list',
          signal: AbortSignal.timeout(10_000),
        });
        return value.flatMap(({ RepoTags }) => RepoTags ?? []);
      };
      const tagOf = ({ data }: Artifact): string => (data as { reference: string }).reference;
      const there = await tags();
      expect([...artifacts, theirs].map((one) => there.includes(tagOf(one)))).toEqual([true, false, true, true]);
      expect(there.filter((tag) => tag.endsWith(baseImage)).length).toBe(1);
      await other.driver.collect([], d.call());
      expect(await tags()).not.toContain(tagOf(theirs));
      await other.end();
    },
  );

  test.skipIf(!isHere)('what cannot be built is refused before anything is done, each by its name', async () => {
    const app = put({ Dockerfile: `FROM ${baseImage} AS one\n` });
    const resolve = (images: WorkerSpec['images']) => d.driver.resolve(specOf(images), d.call());
    const own = (context: string, more: Partial<ImageBuild> = {}): WorkerSpec['images'] => [{ name: 'app', reference: null, build: build(context, more) }];
    await expect(resolve(own(join(dir, 'none')))).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining('does not exist') });
    await expect(resolve(own(join(app, 'Dockerfile')))).rejects.toMatchObject({ code: 'invalid' });
    await expect(resolve(own(app, { dockerfile: 'Other' }))).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining('no Dockerfile at') });
    await expect(resolve(own(app, { target: 'two' }))).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('no stage "two"; it names one'),
    });
    await expect(resolve(chain(app))).rejects.toMatchObject({ code: 'invalid', message: expect.stringContaining('ARG BASE') });
    put({ '.dockerignore': '[a' });
    await expect(resolve(own(app))).rejects.toMatchObject({ code: 'invalid', message: expect.stringContaining('.dockerignore:1') });
    rmSync(join(app, '.dockerignore'));
    writeFileSync(join(app, 'Dockerfile'), 'NONSENSE\n');
    await expect(made(own(app))).rejects.toMatchObject({ code: 'build-failed', outcome: 'no' });
    writeFileSync(join(app, 'Dockerfile'), 'FROM ostler-test.invalid/none:1\n');
    await expect(made(own(app))).rejects.toMatchObject({ outcome: 'no', message: expect.stringContaining('ostler-test.invalid') });
  });
});
