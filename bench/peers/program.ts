import { spawnSync } from 'node:child_process';
import { accessSync, constants, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where install.sh puts what comes from npm and PyPI. */
export const installed = fileURLToPath(new URL('../.peers', import.meta.url));

/** The path of a program, or `null`. */
export function program(name: string, first: readonly string[] = []): string | null {
  const folders = [...first, ...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin', '/lib/systemd'];
  return folders.map((folder) => join(folder, name)).find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** What is missing of some programs, and how to get it; `null` = nothing. */
export const missingPrograms = (names: readonly string[], how: string): string | null => {
  const absent = names.filter((name) => program(name) === null);
  return absent.length === 0 ? null : `${absent.join(', ')} not found: ${how}`;
};

/** The first line that a command prints, or `unknown`. */
export function firstLine(command: string, ...args: string[]): string {
  const { stdout } = spawnSync(command, args, { encoding: 'utf8', timeout: 10_000 });
  return stdout?.trim().split('\n')[0] || 'unknown';
}

export const debianVersion = (name: string): string => firstLine('dpkg-query', '-W', '-f', '${Version}', name);

export function writeScript(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o755 });
}
