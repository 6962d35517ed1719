import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Connection } from '../../packages/runtime-docker/src/engine/connection.ts';
import type { ContainerJson } from '../../packages/runtime-docker/src/engine/json.ts';
import { type TestEngine, testDockerd } from '../../packages/runtime-docker/src/fixtures/dockerd.ts';
import { importPythonImage, pythonImage } from '../../packages/runtime-docker/src/fixtures/python-image.ts';

const abilities = JSON.parse(process.env['OSTLER_ABILITIES'] ?? '{}') as Readonly<Record<string, string | null>>;
const missing = ['docker', 'python-wheels'].some((name) => abilities[name] !== null);
const repository = fileURLToPath(new URL('../..', import.meta.url));

interface Listed {
  readonly Id: string;
  readonly RepoTags: readonly string[] | null;
}
interface Ended {
  readonly code: number | null;
  readonly text: string;
}

// As a newcomer runs it, but where neither a registry nor a package index is reached: the base is imported, and the wheels lie beside the Dockerfile.
describe.skipIf(missing)('the example of Python workers, on an engine without an image of ours', { timeout: 120_000 }, () => {
  let engine: TestEngine;
  let raw: Connection;
  let folder: string;
  let example: string;
  let hostFile: string;
  const children: ChildProcess[] = [];

  /** In the engine's network namespace, where the ports are published. */
  const within = (argv: readonly string[]): readonly string[] => ['nsenter', '-t', String(engine.daemon.pid), '-n', ...argv];
  const ostler = async (verb: string, ...args: readonly string[]): Promise<Ended> => {
    const main = join(repository, 'packages/cli/src/main.ts');
    const [command = '', ...rest] = within([process.execPath, '--conditions=@ostler/source', main, verb, '--data-dir', join(folder, 'data'), ...args]);
    const child = spawn(command, rest, {
      cwd: example,
      env: { PATH: process.env['PATH'], HOME: folder, DOCKER_HOST: engine.host, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.push(child);
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (more: string) => (text += more));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, text };
  };
  const get = async <T>(path: string): Promise<T> => (await raw.json<T>({ path, what: 'look', signal: AbortSignal.timeout(10_000) })).value;
  // The engine tells those of one second in any order.
  const images = async (): Promise<readonly Listed[]> =>
    (await get<readonly Listed[]>('/images/json?all=true')).map(({ Id, RepoTags }) => ({ Id, RepoTags })).sort((a, b) => (a.Id < b.Id ? -1 : 1));
  const tags = async (): Promise<readonly string[]> => (await images()).flatMap(({ RepoTags }) => RepoTags ?? []);
  const container = async (): Promise<ContainerJson> => {
    const [found, ...more] = await get<readonly { readonly Id: string }[]>('/containers/json');
    if (found === undefined || more.length > 0) throw new Error(`expected one container, there are ${String(more.length + (found ? 1 : 0))}`);
    return get<ContainerJson>(`/containers/${found.Id}/json`);
  };
  const asked = (path: string, body?: object): unknown => {
    const [command = '', ...args] = within([
      process.execPath,
      '-e',
      'const [url, body] = process.argv.slice(1); const post = { method: "POST", headers: { "content-type": "application/json" }, body };' +
        'fetch(url, body ? post : {}).then(async (answer) => process.stdout.write(await answer.text()))',
      `http://127.0.0.1:8501${path}`,
      ...(body === undefined ? [] : [JSON.stringify(body)]),
    ]);
    return JSON.parse(execFileSync(command, args, { encoding: 'utf8' }));
  };

  beforeAll(async () => {
    engine = testDockerd();
    await engine.start();
    await importPythonImage(engine.socketPath, engine.dir);
    raw = new Connection(() => ({ url: engine.host, saidBy: 'the test', socketPath: engine.socketPath }));
    folder = mkdtempSync(join(tmpdir(), 'ostler-python-'));
    example = join(folder, 'examples/python-workers');
    mkdirSync(example, { recursive: true });
    for (const one of ['ostler.yaml', 'workers', 'certs']) cpSync(join(repository, 'examples/python-workers', one), join(example, one), { recursive: true });
    cpSync(join(repository, 'images'), join(folder, 'images'), { recursive: true });
    cpSync(process.env['OSTLER_WHEELS'] ?? '', join(folder, 'images/worker-base/wheels'), { recursive: true });
    hostFile = join(example, 'offline.yaml');
    writeFileSync(
      hostFile,
      [
        'extends: [ostler.yaml]',
        'images:',
        `  python: ${pythonImage}`,
        '  base: { build: { context: ../../images/worker-base, args: { PIP_ARGS: --no-index --find-links wheels } }, from: python }',
      ].join('\n'),
    );
    writeFileSync(join(example, 'certs/ca.pem'), 'not a certificate\n');
  }, 90_000);
  afterAll(async () => {
    if (hostFile !== undefined) for (const how of [[], ['--agent']]) await ostler('down', ...how).catch(() => {});
    for (const child of children) child.kill('SIGKILL');
    raw?.close();
    await engine?.end();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }, 90_000);

  test('it comes up: the base is built, the worker on it, and it is healthy', async () => {
    expect(await tags()).toEqual([pythonImage]);
    const { code, text } = await ostler('up', '--detach', '--config', hostFile);
    expect({ code, text }).toEqual({ code: 0, text: expect.stringContaining('all is well') });
    expect((await ostler('ps')).text).toMatch(/email-classifier.*healthy/);
    const named = (await tags()).map((tag) => tag.replace(/:[0-9a-f]{32}$/, ''));
    expect(named.sort()).toEqual(['localhost/ostler/base', 'localhost/ostler/email', 'localhost/ostler/python', pythonImage]);
  });

  test('it classifies mail that it was not trained on', () => {
    const mails = {
      invoice: { subject: 'Invoice 9931', text: 'The attached invoice of 310.00 is due on Friday. Please transfer the amount to our account.' },
      support: { subject: 'Error after update', text: 'Since the update the app shows an error and crashes. How can I fix it? Please help.' },
      newsletter: { subject: 'Our spring sale', text: 'Shop the new collection, read our blog, and unsubscribe here.' },
      personal: { subject: 'Sunday', text: 'Hi Ben, shall we have dinner with mum on Sunday? I miss you. Love, Eva' },
    };
    for (const [label, mail] of Object.entries(mails)) expect(asked('/classify', mail)).toMatchObject({ label });
    expect(asked('/classify', { subject: 'no text' })).toMatchObject({ detail: [{ type: 'missing' }] });
  });

  test('its limits are the engine’s, its user is not root, and its certificates are there and read-only', async () => {
    const { HostConfig, Mounts, Config } = (await container()) as ContainerJson & {
      readonly HostConfig: { readonly NanoCpus: number };
      readonly Mounts: readonly { readonly Destination: string; readonly RW: boolean }[];
    };
    expect([HostConfig.NanoCpus, HostConfig.Memory]).toEqual([2e9, 4 * 2 ** 30]);
    expect(Mounts.find(({ Destination }) => Destination === '/home/worker/.ostler/certs')).toMatchObject({ RW: false });
    expect(Config.User).toBe('worker');
    expect(asked('/health')).toMatchObject({ status: 'ok', certificates: ['README.md', 'ca.pem'] });
    const inside = await ostler('exec', 'email-classifier', '--', 'sh', '-c', 'id -u; echo $CERT_DIR; touch $CERT_DIR/new 2>&1');
    expect(inside.text).toMatch(/^1000\n\/home\/worker\/\.ostler\/certs\n.*Read-only file system/);
    expect(inside.code).not.toBe(0);
  });

  test('a second `ostler up` builds nothing and restarts nothing', async () => {
    const before = [await images(), (await container()).Id];
    const { code } = await ostler('up', '--detach', '--config', hostFile);
    expect(code).toBe(0);
    expect([await images(), (await container()).Id]).toEqual(before);
  });

  test('a changed base is shown by plan, and restarts nobody before it is applied: then all that stands on it is built anew', async () => {
    const before = await container();
    const built = await tags();
    appendFileSync(join(folder, 'images/worker-base/Dockerfile'), 'ENV WORKER_BASE=2\n');
    const plan = await ostler('plan', '--file', hostFile);
    expect(plan.text).toContain('content of image base');
    expect(plan.text).not.toContain('content of image email');
    expect([(await container()).Id, await tags()]).toEqual([before.Id, built]);
    const applied = await ostler('apply', '--config', hostFile);
    expect(applied).toEqual({ code: 0, text: expect.stringContaining('all is well') });
    const after = await container();
    expect(after.Id).not.toBe(before.Id);
    expect((after.Config as { readonly Env?: readonly string[] }).Env).toContain('WORKER_BASE=2');
    // Two more: the base and what stands on it. The old ones stay, to go back to.
    expect((await tags()).length).toBe(built.length + 2);
  });

  test('a build that fails ends the change with its last lines, and the worker runs on', async () => {
    const before = [(await container()).Id, (await tags()).toSorted()];
    const dockerfile = join(example, 'workers/email/Dockerfile');
    const text = readFileSync(dockerfile, 'utf8');
    writeFileSync(dockerfile, text.replace('train.py', 'trian.py'));
    const applied = await ostler('apply', '--config', hostFile);
    expect(applied.code).toBe(1);
    expect(applied.text).toContain('email-classifier: the build of the image email failed');
    expect(applied.text).toContain("can't open file '/app/trian.py'");
    expect(applied.text).toContain('what runs, runs on');
    writeFileSync(dockerfile, text);
    expect(await ostler('apply', '--config', hostFile)).toEqual({ code: 0, text: expect.stringContaining('all is well') });
    expect([(await container()).Id, (await tags()).toSorted()]).toEqual(before);
  });

  test('a worker’s own Dockerfile is six lines', () => {
    const lines = readFileSync(join(repository, 'examples/python-workers/workers/email/Dockerfile'), 'utf8').trim().split('\n');
    expect(lines.length).toBe(6);
    expect(lines.slice(0, 2)).toEqual(['ARG BASE', 'FROM ${BASE}']);
  });
});
