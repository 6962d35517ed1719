import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { thisTree } from './planted.ts';

let child: ChildProcess | undefined;
afterEach(() => {
  child?.kill('SIGKILL');
});

/** Runs a script of Node by `foreground`, without a terminal; resolves when it has printed "ready". */
async function inForeground(script: string): Promise<{ outer: ChildProcess; ended: Promise<unknown[]>; out: () => string }> {
  const module = JSON.stringify(join(thisTree, 'scripts/foreground.mjs'));
  const main = `import { foreground } from ${module};
    process.exitCode = await foreground(process.execPath, ['-e', ${JSON.stringify(script)}], { cwd: '/', env: process.env });`;
  const outer = spawn(process.execPath, ['--input-type=module', '-e', main], { stdio: ['ignore', 'pipe', 'inherit'] });
  child = outer;
  let text = '';
  await new Promise<void>((resolve) => {
    outer.stdout?.on('data', (bytes) => {
      text += bytes;
      if (text.includes('ready')) resolve();
    });
  });
  return { outer, ended: once(outer, 'close'), out: () => text };
}

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s reaches the program once, and its exit code comes back', async (signal) => {
  const script = `let n = 0; process.on('${signal}', () => { n++; setImmediate(() => setTimeout(() => process.exit(40 + n), 300)); }); setInterval(() => {}, 1000); console.log('ready')`;
  const { outer, ended } = await inForeground(script);
  outer.kill(signal);
  outer.kill(signal);
  expect(await ended).toEqual([41, null]);
});

test('a program that a signal ends gives 128 and its number', async () => {
  const { ended } = await inForeground("console.log('ready'); process.stdout.write('', () => process.kill(process.pid, 'SIGKILL'))");
  expect(await ended).toEqual([137, null]);
});
