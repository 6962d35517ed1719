import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startTestAgent, type TestAgent, waitFor } from '@ostler/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { baseImage, importBaseImage } from '../../runtime-docker/src/fixtures/base-image.ts';
import { type TestEngine, testDockerd } from '../../runtime-docker/src/fixtures/dockerd.ts';
import { run } from '../src/fixtures/command.ts';

const abilities = JSON.parse(process.env['OSTLER_ABILITIES'] ?? '{}') as Readonly<Record<string, string | null>>;
const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
/** Serves a line on port 8000. */
const serve = (line: string): string => `sh -c 'mkdir -p /tmp/w; echo ${line} > /tmp/w/index.html; exec httpd -f -p 8000 -h /tmp/w'`;

interface Worker {
  readonly name: string;
  readonly state: string;
  readonly restarts: number;
}

describe.skipIf(abilities['docker'] !== null)('what was imported from Compose runs as it did there', { timeout: 120_000 }, () => {
  let engine: TestEngine;
  let agent: TestAgent | undefined;
  beforeEach(async () => {
    engine = testDockerd();
    await engine.start();
    await importBaseImage(engine.socketPath, engine.dir);
  }, 60_000);
  afterEach(async () => {
    await agent?.request('POST', '/v1/down', { waitMs: 60_000 }).catch(() => {});
    await agent?.stop();
    agent = undefined;
    await engine.end();
  }, 120_000);

  /** Imports these files and runs what comes of it, on the same network as its engine, which has one of its own. */
  async function started(files: Readonly<Record<string, string>>, compose: readonly string[] = []): Promise<TestAgent> {
    const folder = join(engine.dir, 'project');
    for (const [name, text] of Object.entries({ '.env': `IMAGE=${baseImage}\n`, ...files })) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text, { mode: 0o600 });
    }
    const { code, stderr } = await run(['import', 'compose', ...compose, '--out', 'ostler.yaml'], { cwd: folder, env: { HOME: folder } });
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    const hostFile = readFileSync(join(folder, 'ostler.yaml'), 'utf8');
    const command = ['nsenter', '-t', String(engine.daemon.pid), '-n', process.execPath, '--conditions=@ostler/source', main];
    agent = await startTestAgent({ hostFile, files: { '.env': `IMAGE=${baseImage}\n`, ...files }, command, env: { DOCKER_HOST: engine.host } });
    return agent;
  }
  const workers = async (of: TestAgent): Promise<readonly Worker[]> => ((await of.ps()) as { readonly workers: readonly Worker[] }).workers;
  const stateOf = async (of: TestAgent, name: string) => (await workers(of)).find((worker) => worker.name === name)?.state;
  const printed = async (of: TestAgent, worker: string): Promise<string> => {
    const { body } = await of.request('GET', `/v1/workers/${worker}/logs`);
    const records = String(body).split('\n').filter(Boolean);
    return records.map((line) => Buffer.from((JSON.parse(line) as { data: string | null }).data ?? '', 'base64').toString('utf8')).join('');
  };
  const prints = (of: TestAgent, worker: string, text: string): Promise<string> =>
    waitFor(
      `${worker} prints ${text}`,
      async () => {
        const all = await printed(of, worker);
        return all.includes(text) ? all : undefined;
      },
      30_000,
    ).catch(async (error: unknown) => {
      const told = await Promise.all((await workers(of)).map(async ({ name, state }) => `${name} is ${state}: ${await printed(of, name)}`));
      throw new Error(`${String(error)}\n${told.join('\n')}`);
    });

  test('an application with its database, its cache and a migration before it', async () => {
    const live = await started({
      'compose.yaml': `
x-image: &image
  image: \${IMAGE:?}
  stop_grace_period: 1s
services:
  app:
    <<: *image
    command: sh -c 'wget -q -O- http://db:8000/; wget -q -O- http://cache:8000/; cat /data/migrated; echo "app says $$GREETING"; exec sleep 600'
    environment: { GREETING: "\${GREETING}" }
    volumes: ["data:/data:ro"]
    depends_on:
      db: { condition: service_healthy }
      cache: { condition: service_started }
      migrate: { condition: service_completed_successfully }
    restart: always
  migrate:
    <<: *image
    command: sh -c 'wget -q -O- http://db:8000/ > /data/migrated'
    volumes: ["data:/data"]
    depends_on: { db: { condition: service_healthy } }
  db:
    <<: *image
    command: ${serve('from-db')}
    healthcheck: { test: "wget -q -O- http://127.0.0.1:8000/ | grep -q from-db", interval: 1s }
    restart: unless-stopped
  cache:
    <<: *image
    command: ${serve('from-cache')}
    depends_on: [db]
    restart: unless-stopped
volumes: { data: }
`,
      '.env': `IMAGE=${baseImage}\nGREETING=good day\n`,
    });
    const said = await prints(live, 'app', 'app says');
    expect(said.trim().split('\n')).toEqual(['from-db', 'from-cache', 'from-db', 'app says good day']);
    expect(await stateOf(live, 'migrate')).toBe('done');
    expect((await workers(live)).map(({ restarts }) => restarts)).toEqual([0, 0, 0, 0]);
  });

  test('a service of several files, with what it may and may not do, and a secret', async () => {
    const live = await started(
      {
        'compose.yaml': `
services:
  tool:
    image: \${IMAGE}
    command: sh -c 'id -u; cat /run/secrets/token; cat /conf/app.conf; (echo x > /no) 2>&1 | tail -1; echo ok > /scratch/a && cat /scratch/a; ulimit -n; echo "$$FROM_FILE $$MODE"; exec sleep 600'
    secrets: [token]
    configs: [{ source: conf, target: /conf/app.conf }]
    environment: { MODE: production }
    stop_grace_period: 1s
  idle: { image: "\${IMAGE}", command: "false", scale: 0 }
secrets: { token: { file: ./token.txt } }
configs: { conf: { file: ./app.conf } }
`,
        'more.yaml': `
services:
  tool:
    environment: [MODE=test]
    env_file: tool.env
    read_only: true
    tmpfs: ["/scratch:size=1m"]
    cap_drop: [ALL]
    ulimits: { nofile: 512 }
    restart: always
`,
        'token.txt': 'secret-token\n',
        'app.conf': 'configured\n',
        'tool.env': 'FROM_FILE="a b"\n',
      },
      ['compose.yaml', 'more.yaml'],
    );
    const said = await prints(live, 'tool', 'a b test');
    expect(said.trim().split('\n')).toEqual(['0', 'secret-token', 'configured', expect.stringContaining('Read-only') as string, 'ok', '512', 'a b test']);
    expect((await workers(live)).map(({ name }) => name)).toEqual(['tool']);
  });

  test('services that end: what Compose leaves ended stays so, what it starts again is', async () => {
    const live = await started({
      'docker-compose.yml': `
version: "3"
services:
  once: { image: "\${IMAGE}", command: sh -c "echo once", network_mode: none }
  fails: { image: "\${IMAGE}", command: sh -c "exit 3", network_mode: none, restart: "on-failure:2" }
  stays: { image: "\${IMAGE}", command: sh -c "echo up; sleep 0.2", network_mode: none, restart: always }
`,
    });
    const states = await waitFor(
      'the first two have ended for good',
      async () => {
        const found = Object.fromEntries((await workers(live)).map((worker) => [worker.name, worker]));
        return found['once']?.state === 'done' && found['fails']?.state === 'failed' && (found['stays']?.restarts ?? 0) >= 2 ? found : undefined;
      },
      60_000,
    );
    expect([states['once']?.restarts, states['fails']?.restarts]).toEqual([0, 2]);
  });
});
