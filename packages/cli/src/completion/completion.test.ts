import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { run } from '../fixtures/command.ts';
import { type FakeAgent, fakeAgent, ps, worker } from '../fixtures/fake-agent.ts';
import { commonOptions, verbs } from '../verbs.ts';
import { bashScript } from './bash.ts';
import { fishScript } from './fish.ts';
import { offered } from './offer.ts';
import { zshScript } from './zsh.ts';

const table = offered({ verbs, commonOptions });
const isThere = (command: string): boolean => spawnSync(command, ['--version']).status === 0;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ostler-completion-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What bash would offer after these words. */
function bashOffers(words: readonly string[], workers: readonly string[]): string[] {
  const stand = join(folder, 'ostler');
  writeFileSync(stand, `#!/bin/sh\n[ "$*" = "__complete workers" ] && printf '%s\\n' ${workers.join(' ')}\n`);
  chmodSync(stand, 0o755);
  writeFileSync(join(folder, 'script'), bashScript(table));
  const asked = words.map((word) => `'${word}'`).join(' ');
  const program = `source ./script; COMP_WORDS=(${asked}); COMP_CWORD=${words.length - 1}; _ostler; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', program], { cwd: folder, encoding: 'utf8', env: { PATH: `${folder}:${process.env['PATH']}` } });
  expect(stderr).toBe('');
  return stdout.split('\n').filter(Boolean);
}

test('bash offers verbs, options, workers, shells and files where each belongs', () => {
  expect(bashOffers(['ostler', 're'], [])).toEqual(['restart']);
  expect(bashOffers(['ostler', ''], [])).not.toContain('__complete');
  expect(bashOffers(['ostler', 'logs', '--t'], [])).toEqual(['--tail', '--timestamps']);
  expect(bashOffers(['ostler', 'logs', 'w'], ['web', 'db', 'worker'])).toEqual(['web', 'worker']);
  expect(bashOffers(['ostler', '--socket', 'x', 'why', ''], ['web'])).toEqual(['web']);
  expect(bashOffers(['ostler', 'logs', '--tail', ''], ['web'])).toEqual([]);
  expect(bashOffers(['ostler', 'events', '--worker', ''], ['web'])).toEqual(['web']);
  expect(bashOffers(['ostler', 'completion', ''], [])).toEqual(['bash', 'zsh', 'fish']);
  expect(bashOffers(['ostler', 'apply', 'scr'], [])).toEqual(['script']);
  expect(bashOffers(['ostler', 'import', ''], [])).toEqual(['compose']);
  expect(bashOffers(['ostler', 'import', 'compose', 'scr'], [])).toEqual(['script']);
  expect(bashOffers(['ostler', 'import', 'compose', '--env-file', 'scr'], [])).toEqual(['script']);
});

test.each([
  ['bash', bashScript, ['-n']],
  ['zsh', zshScript, ['-n']],
  ['fish', fishScript, ['--no-execute']],
] as const)('the script for %s knows every verb and is sound', async (shell, script, check) => {
  const text = script(table);
  for (const { name } of table) expect(text).toMatch(new RegExp(`\\b${name}\\b`));
  expect(await run(['completion', shell])).toEqual({ code: 0, stdout: text, stderr: '' });
  // Quotes are closed on each line that the table's texts stand in.
  for (const line of text.split('\n').filter((each) => shell === 'fish' && each.startsWith('complete')))
    expect(line.replace(/\\['\\]/g, '').split("'").length % 2).toBe(1);
  if (!isThere(shell)) return;
  writeFileSync(join(folder, 'script'), text);
  expect(spawnSync(shell, [...check, join(folder, 'script')], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
});

test('workers are asked of the agent; without one there is silence', async () => {
  const agent: FakeAgent = await fakeAgent();
  try {
    agent.route('GET /v1/ps', () => ps([worker('web'), worker('db')]));
    expect(await run(['__complete', 'workers', '--socket', agent.socket])).toEqual({ code: 0, stdout: 'web\ndb\n', stderr: '' });
  } finally {
    await agent.stop();
  }
  expect(await run(['__complete', 'workers', '--socket', agent.socket])).toEqual({ code: 0, stdout: '', stderr: '' });
});
