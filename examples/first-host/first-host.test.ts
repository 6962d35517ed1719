import { readFileSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { startTestAgent, type TestAgent, waitFor } from '@ostler/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';

// The example as a newcomer has it, on ports of its own.
const example = fileURLToPath(new URL('.', import.meta.url));
let agent: TestAgent;
let ports: readonly [number, number];

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

interface Worker {
  readonly name: string;
  readonly state: string;
  readonly restarts: number;
  readonly native: { readonly pid: number | null };
}
const workers = async (): Promise<readonly Worker[]> => ((await agent.ps()) as { readonly workers: readonly Worker[] }).workers;
const worker = async (name: string): Promise<Worker> => (await workers()).find((one) => one.name === name)!;

beforeAll(async () => {
  ports = [await freePort(), await freePort()];
  const text = readFileSync(join(example, 'ostler.yaml'), 'utf8').replace('18080', String(ports[0])).replace('18081', String(ports[1]));
  const files = Object.fromEntries(
    ['mcp', 'hello', 'greeter', 'moody', 'tick'].map((name) => [`workers/${name}.mjs`, readFileSync(join(example, 'workers', `${name}.mjs`), 'utf8')]),
  );
  agent = await startTestAgent({ hostFile: text, files, env: { PATH: `${join(process.execPath, '..')}:${process.env['PATH'] ?? ''}` } });
  // Its packages are found from its folder upward; until then mcp cannot start.
  symlinkSync(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(agent.folder, 'node_modules'));
  await agent.request('POST', '/v1/workers/mcp/restart', { waitMs: 30_000 });
}, 90_000);
afterAll(async () => {
  await agent?.request('POST', '/v1/down', { waitMs: 30_000 });
  await agent?.stop();
}, 90_000);

test('its services become healthy, and what depends on them starts after them', { timeout: 60_000 }, async () => {
  await waitFor(
    'mcp, hello and greeter are healthy',
    async () => {
      const states = Object.fromEntries((await workers()).map(({ name, state }) => [name, state]));
      return states['mcp'] === 'healthy' && states['hello'] === 'healthy' && states['greeter'] === 'healthy';
    },
    45_000,
  );
  // A minute may have begun meanwhile.
  expect(['waiting', 'starting', 'running', 'healthy', 'done']).toContain((await worker('tick')).state);
});

test('the MCP server answers the official client', { timeout: 30_000 }, async () => {
  const client = new Client({ name: 'test', version: '1.0.0' });
  await client.connect(new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${ports[0]}/mcp`)));
  const answer = await client.callTool({ name: 'greet', arguments: { name: 'Ada' } });
  expect(answer.content).toEqual([{ type: 'text', text: 'Good day, Ada!' }]);
  await client.close();
});

test('greeter finds hello by the address in its environment', { timeout: 30_000 }, async () => {
  await waitFor('a greeting in the log', async () => {
    const { body } = await agent.request('GET', '/v1/workers/greeter/logs');
    const text = String(body)
      .split('\n')
      .filter(Boolean)
      .map((line) => Buffer.from((JSON.parse(line) as { data: string | null }).data ?? '', 'base64').toString())
      .join('');
    return text.includes('Hello from hello on first-host');
  });
});

test('moody crashes, comes back, and why says how it ended', { timeout: 60_000 }, async () => {
  await waitFor('moody was restarted', async () => (await worker('moody')).restarts > 0, 45_000);
  const { body } = await agent.request('GET', '/v1/workers/moody/why?format=text');
  expect(String(body)).toMatch(/Exited with code \d+ after|Killed by SIGABRT after/);
});
