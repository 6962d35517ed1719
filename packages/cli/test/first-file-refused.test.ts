import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startTestAgent, waitFor } from '@ostler/testkit';
import { expect, test } from 'vitest';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const hostFile = (command: string) => JSON.stringify({ ostler: 1, host: 'test', workers: { a: { runtime: 'native', command: [command, '1000'] } } });
interface Ps {
  readonly workers: readonly { readonly state: string; readonly reason: string }[];
}

test.each(['serve', 'up'])(
  'after a first `%s` with a file that cannot be read, the next agent waits for no engine: nothing was begun that it does not know of',
  async (verb) => {
    const folder = mkdtempSync(join(tmpdir(), 'ostler-first-'));
    const [dataDir, config] = [join(folder, 'data'), join(folder, 'ostler.yaml')];
    // An engine that never answers: it would be waited for.
    const env = { DOCKER_HOST: `unix://${folder}/none.sock`, CONTAINER_HOST: '' };
    try {
      writeFileSync(config, '{');
      const argv = ['--conditions=@ostler/source', main, verb, '--config', config, '--data-dir', dataDir, '--socket', join(folder, 's')];
      const { status } = spawnSync(process.execPath, argv, { cwd: folder, env: { ...process.env, ...env }, timeout: 60_000 });
      expect([status === 0, existsSync(join(dataDir, 'agent.id'))]).toEqual([false, true]);

      const agent = await startTestAgent({ hostFile: hostFile('/bin/sleep'), dataDir, env });
      try {
        const worker = async () => ((await agent.ps()) as Ps).workers[0];
        expect((await worker())?.reason).not.toContain('lost');
        await waitFor('it runs', async () => (await worker())?.state === 'running');
      } finally {
        await agent.request('POST', '/v1/down', { waitMs: 20_000 });
        await agent.stop();
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
  60_000,
);
