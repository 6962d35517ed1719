// The platforms for which the holder is built and packed, and what a file for each of them begins with.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const machines = { x64: { elf: 0x3e, macho: 0x01000007, zig: 'x86_64' }, arm64: { elf: 0xb7, macho: 0x0100000c, zig: 'aarch64' } };

/** @typedef {{ name: string, os: 'linux' | 'darwin', cpu: 'x64' | 'arm64', zig: string, folder: string, binary: string }} Target */

/** @type {readonly Target[]} */
export const targets = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'].map((name) => {
  const [os, cpu] = name.split('-');
  const folder = fileURLToPath(new URL(`../packages/holder-${name}`, import.meta.url));
  return { name, os, cpu, zig: `${machines[cpu].zig}-${os === 'linux' ? 'linux-musl' : 'macos'}`, folder, binary: `${folder}/bin/ostler-holder` };
});

/** Why a file is no program for that platform that needs nothing of its host but the kernel (of macOS: but libSystem); `null` = it is. */
export function fileTrouble({ os, cpu }, file) {
  const bytes = readFileSync(file);
  if (bytes.length < 64) return `${file} is too short to be a program`;
  return os === 'linux' ? elfTrouble(bytes, machines[cpu].elf) : machoTrouble(bytes, machines[cpu].macho);
}

/** elf(5). */
function elfTrouble(bytes, machine) {
  if (bytes.readUInt32BE(0) !== 0x7f454c46 || bytes[4] !== 2 || bytes[5] !== 1) return 'it is no 64-bit little-endian ELF file';
  if (bytes.readUInt16LE(18) !== machine) return `its machine is 0x${bytes.readUInt16LE(18).toString(16)}, not 0x${machine.toString(16)}`;
  const [at, size, count] = [Number(bytes.readBigUInt64LE(32)), bytes.readUInt16LE(54), bytes.readUInt16LE(56)];
  const kinds = Array.from({ length: count }, (_, index) => bytes.readUInt32LE(at + index * size));
  // PT_DYNAMIC, PT_INTERP
  if (kinds.includes(2) || kinds.includes(3)) return 'it is linked dynamically';
  return kinds.includes(1) ? null : 'it has nothing to load';
}

const loadDylib = 0xc;
const codeSignature = 0x1d;

/** mach-o/loader.h. Apple's arm64 runs nothing that is not signed, be it by nobody in particular. */
function machoTrouble(bytes, machine) {
  if (bytes.readUInt32LE(0) !== 0xfeedfacf) return 'it is no 64-bit Mach-O file';
  if (bytes.readUInt32LE(4) !== machine) return `its machine is 0x${bytes.readUInt32LE(4).toString(16)}, not 0x${machine.toString(16)}`;
  if (bytes.readUInt32LE(12) !== 2) return 'it is no program';
  const libraries = [];
  let isSigned = false;
  for (let left = bytes.readUInt32LE(16), at = 32; left > 0; left -= 1, at += bytes.readUInt32LE(at + 4)) {
    const [command, size, name] = [bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4), bytes.readUInt32LE(at + 8)];
    if (command === loadDylib) libraries.push(bytes.toString('latin1', at + name, at + size).replace(/\0.*$/s, ''));
    isSigned ||= command === codeSignature;
  }
  const strange = libraries.filter((path) => path !== '/usr/lib/libSystem.B.dylib');
  if (strange.length > 0) return `it needs ${strange.join(', ')}`;
  return isSigned || machine === machines.x64.macho ? null : 'it is not signed';
}
