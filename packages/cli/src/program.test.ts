import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { commandArgv, run } from './fixtures/command.ts';
import { type FakeAgent, fakeAgent, ps, refuse, worker } from './fixtures/fake-agent.ts';

let agent: FakeAgent;
beforeEach(async () => {
  agent = await fakeAgent();
});
afterEach(() => agent.stop());

test('wrong usage is one clear error and exit 2', async () => {
  const cases: [string[], RegExp][] = [
    [['pss'], /unknown command 'pss'\n\(Did you mean ps\?\)/],
    [['ps', '--jsno'], /unknown option '--jsno'\n\(Did you mean --json\?\)/],
    [['why'], /missing required argument 'worker'/],
    [['ps', 'web'], /too many arguments/],
    [['stop', 'web', '--wait', '10'], /'10' is invalid.*Expected a duration with its unit, such as 10s, 2m or 1m30s/],
    [['logs', '--tail', '-1'], /Expected a whole number from 0/],
    [['logs', '--since', 'yesterday'], /--since yesterday: expected how long ago/],
    [['logs', '--instance', 'a1'], /--instance is of one worker/],
    [['kill', '-s', 'SIGBOO', 'web'], /there is no signal SIGBOO/],
    [['completion', 'csh'], /there is no completion for csh/],
    [['apply', '/nonexistent/plan'], /the plan \/nonexistent\/plan cannot be read/],
  ];
  for (const [args, said] of cases) {
    const { code, stdout, stderr } = await run(args);
    expect({ args, code, stdout }).toEqual({ args, code: 2, stdout: '' });
    expect(stderr).toMatch(said);
    expect(stderr).not.toMatch(/^\s+at /m);
  }
}, 60_000);

test('with --json an error is one document on stdout', async () => {
  const usage = await run(['ps', '--jsno', '--json']);
  expect(usage.code).toBe(2);
  expect(usage.stderr).toBe('');
  expect(JSON.parse(usage.stdout)).toMatchObject({ version: 1, error: { code: 'usage', message: expect.stringContaining('--jsno') as string } });
  const none = await run(['ps', '--json', '--socket', '/nonexistent/agent.sock']);
  expect(none.code).toBe(3);
  expect(JSON.parse(none.stdout)).toMatchObject({ version: 1, error: { code: 'no-agent', message: 'no agent answers on /nonexistent/agent.sock' } });
});

test('help and version are answered with exit 0, for a verb too; no verb at all is exit 2', async () => {
  const help = await run(['--help']);
  expect(help.code).toBe(0);
  expect(help.stdout).toContain('exec [options] <worker> <command...>');
  expect(help.stdout).not.toContain('__complete');
  const verb = await run(['logs', '--help']);
  expect(verb.code).toBe(0);
  expect(verb.stdout).toMatch(/--tail <lines>[\s\S]*Common options:[\s\S]*--socket <path>/);
  for (const args of [['-V'], ['ps', '--version']])
    expect(await run(args)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string });
  const none = await run([]);
  expect(none.code).toBe(2);
  expect(none.stderr).toContain('Usage: ostler');
});

test('without an agent every client verb says what was tried and what to do, and exits 3', async () => {
  const verbs = [
    ['ps'],
    ['ps', '-f'],
    ['logs'],
    ['logs', '-f', 'web'],
    ['why', 'web'],
    ['events'],
    ['events', '-f'],
    ['stop', 'web'],
    ['kill', 'web'],
    ['plan'],
    ['apply'],
    ['down'],
  ];
  for (const args of verbs) {
    const { code, stdout, stderr } = await run(args, { env: { OSTLER_SOCKET: '/nonexistent/agent.sock' } });
    expect({ args, code, stdout }).toEqual({ args, code: 3, stdout: '' });
    expect(stderr).toBe(
      'no agent answers on /nonexistent/agent.sock\n  start one with `ostler up` or `ostler serve`, or name its socket with --socket or --data-dir\n',
    );
  }
}, 60_000);

test('a file that is no socket, and a dead socket, are exit 3 too', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ostler-socket-'));
  try {
    writeFileSync(join(folder, 'file'), '');
    expect(await run(['ps', '--socket', join(folder, 'file')])).toMatchObject({ code: 3 });
    const dead = join(folder, 'dead.sock');
    spawnSync(process.execPath, ['-e', 'require("net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))', dead]);
    expect((await run(['ps', '--socket', dead])).stderr).toContain(`no agent answers on ${dead}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const nobody = { uid: 65_534, gid: 65_534, cwd: '/', encoding: 'utf8' } as const;
const canBeNobody = process.getuid?.() === 0 && spawnSync('test', ['-r', commandArgv.at(-1)!], nobody).status === 0;

test.skipIf(!canBeNobody)('a socket of somebody else says so', () => {
  chmodSync(agent.socket, 0o600);
  chmodSync(join(agent.socket, '..'), 0o755);
  const [file, ...before] = commandArgv;
  const { status, stderr } = spawnSync(file!, [...before, 'ps', '--socket', agent.socket], nobody);
  expect(stderr).toBe(`you may not talk to the agent on ${agent.socket}\n  its socket is for its own user alone: run this as that user\n`);
  expect(status).toBe(3);
});

test('what answers but is no agent is named, not trusted', async () => {
  agent.route('GET /v1/ps', (_asked, response) => void response.end('<html>'));
  expect(await run(['ps', '--socket', agent.socket])).toMatchObject({ code: 3, stderr: expect.stringContaining('is no ostler agent') as string });
  agent.route('GET /v1/ps', (_asked, response) => void response.writeHead(503).end());
  expect(await run(['ps', '--socket', agent.socket])).toMatchObject({ code: 3, stderr: expect.stringContaining('HTTP status 503') as string });
});

test('a problem of the agent is printed with its place, its hint and the others, and ends with its exit code', async () => {
  const place = { file: '/etc/ostler/ostler.yaml', line: 3, column: 7 };
  const other = { code: 'host-file-invalid', message: 'unknown key `porst`', place: { ...place, line: 9 } };
  agent.route('POST /v1/plan', (_asked, response) =>
    refuse(response, 400, { code: 'host-file-invalid', message: 'expected a list', exitCode: 2, hint: 'write - before it', place, others: [other] }),
  );
  expect(await run(['plan', '--socket', agent.socket])).toEqual({
    code: 2,
    stdout: '',
    stderr: '/etc/ostler/ostler.yaml:3:7: expected a list\n  write - before it\n/etc/ostler/ostler.yaml:9:7: unknown key `porst`\n',
  });
});

test('a reader that goes away ends the command quietly with exit 0', async () => {
  agent.route('GET /v1/ps', () => ps(Array.from({ length: 5000 }, (_, i) => worker(`worker-${i}`))));
  const [file, ...before] = commandArgv;
  const child = spawn(file!, [...before, 'ps', '--socket', agent.socket], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdout.once('data', () => child.stdout.destroy());
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});
