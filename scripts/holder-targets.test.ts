import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fileTrouble, targets } from './holder-targets.mjs';
import { thisTree } from './planted.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ostler-targets-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const troubleOf = (name: string, bytes: Buffer) => {
  const target = targets.find((one) => one.name === name);
  if (target === undefined) throw new Error(`no target ${name}`);
  writeFileSync(join(folder, 'file'), bytes);
  return fileTrouble(target, join(folder, 'file'));
};

/** A program header table of the given kinds behind the head. */
function elf(machine: number, ...kinds: readonly number[]): Buffer {
  const bytes = Buffer.alloc(64 + kinds.length * 56);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
  bytes.writeUInt16LE(machine, 18);
  bytes.writeBigUInt64LE(64n, 32);
  bytes.writeUInt16LE(56, 54);
  bytes.writeUInt16LE(kinds.length, 56);
  for (const [index, kind] of kinds.entries()) bytes.writeUInt32LE(kind, 64 + index * 56);
  return bytes;
}

function macho(machine: number, isSigned: boolean, library = '/usr/lib/libSystem.B.dylib'): Buffer {
  const name = Buffer.from(`${library}\0`);
  const bytes = Buffer.alloc(32 + 24 + name.length + 16);
  for (const [at, value] of [0xfeedfacf, machine, 0, 2, isSigned ? 2 : 1].entries()) bytes.writeUInt32LE(value, at * 4);
  for (const [at, value] of [0xc, 24 + name.length, 24].entries()) bytes.writeUInt32LE(value, 32 + at * 4);
  name.copy(bytes, 56);
  if (isSigned) for (const [at, value] of [0x1d, 16].entries()) bytes.writeUInt32LE(value, 56 + name.length + at * 4);
  return bytes;
}

test('a program for another platform, or one that needs something of its host, is told from a good one', () => {
  expect(troubleOf('linux-x64', elf(0x3e, 1, 4))).toBe(null);
  expect(troubleOf('linux-arm64', elf(0xb7, 1))).toBe(null);
  expect(troubleOf('linux-arm64', elf(0x3e, 1))).toBe('its machine is 0x3e, not 0xb7');
  expect(troubleOf('linux-x64', elf(0x3e, 1, 2, 3))).toBe('it is linked dynamically');
  expect(troubleOf('linux-x64', elf(0x3e))).toBe('it has nothing to load');
  expect(troubleOf('linux-x64', macho(0x01000007, false))).toBe('it is no 64-bit little-endian ELF file');
  expect(troubleOf('linux-x64', Buffer.from('#!/bin/sh\n'))).toMatch(/too short/);
  expect(troubleOf('darwin-x64', macho(0x01000007, false))).toBe(null);
  expect(troubleOf('darwin-arm64', macho(0x0100000c, true))).toBe(null);
  expect(troubleOf('darwin-arm64', macho(0x0100000c, false))).toBe('it is not signed');
  expect(troubleOf('darwin-arm64', macho(0x01000007, true))).toBe('its machine is 0x1000007, not 0x100000c');
  expect(troubleOf('darwin-arm64', macho(0x0100000c, true, '/opt/lib/libx.dylib'))).toBe('it needs /opt/lib/libx.dylib');
  expect(troubleOf('darwin-arm64', elf(0xb7, 1))).toBe('it is no 64-bit Mach-O file');
});

test.runIf(process.platform === 'linux')('the shell of this host, which is linked dynamically, would not do', () => {
  copyFileSync('/bin/sh', join(folder, 'sh'));
  expect(troubleOf(`linux-${process.arch}`, readFileSync(join(folder, 'sh')))).toBe('it is linked dynamically');
});

test('every platform has a package that installs there only, of the version of @ostler/process, which asks for it', () => {
  const manifest = (path: string) => JSON.parse(readFileSync(join(thisTree, path, 'package.json'), 'utf8'));
  const { version, optionalDependencies } = manifest('packages/process');
  expect(Object.keys(optionalDependencies).sort()).toEqual(targets.map(({ name }) => `@ostler/holder-${name}`).sort());
  for (const { name, os, cpu } of targets) {
    expect(optionalDependencies[`@ostler/holder-${name}`]).toBe(version);
    expect(manifest(`packages/holder-${name}`)).toMatchObject({ name: `@ostler/holder-${name}`, version, os: [os], cpu: [cpu] });
    expect(manifest('.').optionalDependencies[`@ostler/holder-${name}`]).toBe(`file:packages/holder-${name}`);
  }
});
