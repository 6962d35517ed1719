import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { artifactOf } from './artifact.ts';
import { call } from './fixtures/bench.ts';
import { versionOf } from './version.ts';

test('the digest follows the content of the inputs and nothing else; a missing one is named', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'ostler-artifact-'));
  const signal = new AbortController().signal;
  try {
    writeFileSync(join(dir, 'a'), '1');
    const first = await artifactOf(['a'], dir, signal);
    writeFileSync(join(dir, 'a'), '1');
    expect(await artifactOf(['a'], dir, signal)).toEqual(first);
    writeFileSync(join(dir, 'a'), '2');
    expect((await artifactOf(['a'], dir, signal)).digest).not.toBe(first.digest);
    await expect(artifactOf(['none'], dir, signal)).rejects.toMatchObject({ code: 'not-found', outcome: 'no' });
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('versionOf gives the first line, and engine-down for a program that is not there', async () => {
  expect(await versionOf([process.execPath, '--version'], call())).toBe(process.version);
  await expect(versionOf(['no-such-program'], call())).rejects.toMatchObject({ code: 'engine-down', outcome: 'no' });
});
