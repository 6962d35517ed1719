import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Secrets } from '@ostler/sdk';
import { runningProcesses } from '../processes.ts';
import { waitFor } from '../wait-for.ts';
import { filesWith, makeCanary } from './canary.ts';
import type { ConformanceCase } from './case.ts';
import type { Kit } from './kit.ts';

const digest = (value: string): string => createHash('sha256').update(value).digest('hex');

function oneFile(canary: string, mode = 0o400): Secrets {
  return { files: [{ name: 'token', bytes: Buffer.from(canary), mode }], env: {} };
}

async function assertTaken(kit: Kit, canary: string): Promise<void> {
  await waitFor(
    'the delivered secrets go once the instance is seen not running',
    async () => (await filesWith(canary, kit.scene.secretsDir)).length === 0 || undefined,
    5_000,
  );
}

export const secrets: readonly ConformanceCase[] = [
  {
    id: 'secret-files-arrive-as-given',
    line: 'Secrets.files: files to lay on tmpfs { name, bytes, mode }',
    run: async (kit) => {
      const [one, two] = [makeCanary(), makeCanary()];
      const files = [
        { name: 'one', bytes: Buffer.from(one), mode: 0o400 },
        { name: 'two', bytes: Buffer.from(two), mode: 0o440 },
      ];
      const { target } = await kit.start(['secrets'], { secrets: { files, env: {} } });
      const seen = JSON.parse(await kit.printed(target, ']\n')) as { name: string }[];
      assert.deepEqual(
        seen.sort((a, b) => a.name.localeCompare(b.name)),
        [
          { name: 'one', mode: 0o400, sha256: digest(one) },
          { name: 'two', mode: 0o440, sha256: digest(two) },
        ],
      );
    },
  },
  {
    id: 'secret-environment-arrives',
    line: 'Secrets.env: environment for the process',
    run: async (kit) => {
      const canary = makeCanary();
      const { target } = await kit.start(['digest', 'TOKEN'], { secrets: { files: [], env: { TOKEN: canary } } });
      assert.equal((await kit.printed(target, '\n')).trim(), digest(canary));
    },
  },
  {
    id: 'secrets-go-at-stop',
    line: 'Delivered secrets go as soon as the instance is seen not running',
    run: async (kit) => {
      const canary = makeCanary();
      const { target } = await kit.start(['secrets'], { secrets: oneFile(canary) });
      await kit.printed(target, ']\n');
      await kit.driver.stop(target, { signal: 'SIGTERM', graceMs: 10_000 }, kit.call(60_000));
      await assertTaken(kit, canary);
    },
  },
  {
    id: 'secrets-go-after-a-crash',
    line: 'Delivered secrets go as soon as the instance is seen not running',
    run: async (kit) => {
      const canary = makeCanary();
      const { target } = await kit.start(['secrets', '9'], { secrets: oneFile(canary) });
      await kit.exit(target);
      await assertTaken(kit, canary);
    },
  },
  {
    id: 'secrets-go-after-an-agent-death',
    line: 'secrets gone after stop, after a crash, after an agent death between the two',
    timeoutMs: 120_000,
    run: async (kit) => {
      await kit.needsAgentDeath();
      const agent = await kit.agentProcess();
      const [crashed, stopped] = [makeCanary(), makeCanary()];
      const refs = [kit.ref(), kit.ref()] as const;
      const first = await agent.start(refs[0], await kit.prepared(refs[0], ['secrets'], { secrets: oneFile(crashed) }));
      await agent.start(refs[1], await kit.prepared(refs[1], ['secrets'], { secrets: oneFile(stopped) }));
      for (const ref of refs) await kit.printed({ ref, handle: null }, ']\n');
      await agent.kill9();
      await kit.kill9(first);
      const driver = await kit.reopen();
      await kit.exit({ ref: refs[0], handle: null }, driver);
      await assertTaken(kit, crashed);
      await driver.stop({ ref: refs[1], handle: null }, { signal: 'SIGTERM', graceMs: 10_000 }, kit.call(60_000));
      await assertTaken(kit, stopped);
    },
  },
  {
    id: 'secrets-are-nowhere-to-be-seen',
    line: 'Never logged, never put into a spec on disk · Handle: no secrets',
    run: async (kit) => {
      const [inFile, inEnv] = [makeCanary(), makeCanary()];
      const given = { ...oneFile(inFile), env: { TOKEN: inEnv } };
      const { target, observed, ref } = await kit.start(['secrets'], { secrets: given });
      await kit.printed(target, ']\n');
      const other = await kit.reopen();
      const spoken = [observed, await kit.inspect(target), await kit.inspect({ ref, handle: null }, other)];
      const lists = [await kit.driver.list(kit.scene.agent, kit.call()), await kit.driver.facts(kit.call())];
      const argvs = (await runningProcesses()).map((one) => one.argv);
      const ended = await kit.driver.stop(target, { signal: 'SIGTERM', graceMs: 10_000 }, kit.call(60_000));
      const places = { answers: [...spoken, ...lists, ended], argv: argvs, logs: kit.logged() };
      for (const canary of [inFile, inEnv]) {
        for (const [place, said] of Object.entries(places)) assert.ok(!JSON.stringify(said).includes(canary), `a secret is in ${place}`);
        assert.deepEqual(await filesWith(canary, kit.scene.stateDir), [], 'a secret is in the state folder');
      }
    },
  },
  {
    id: 'secret-environment-is-in-no-file',
    line: 'Environment of a native worker reaches its holder over an inherited pipe, never in a file',
    run: async (kit) => {
      const canary = makeCanary();
      const { target } = await kit.start(['digest', 'TOKEN'], { secrets: { files: [], env: { TOKEN: canary } } });
      await kit.printed(target, '\n');
      for (const folder of [kit.scene.stateDir, kit.scene.secretsDir]) assert.deepEqual(await filesWith(canary, folder), []);
    },
  },
];
