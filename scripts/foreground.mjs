// Runs one program in the foreground as if it had been typed: its terminal, its signals, its exit code. Plain Node 20.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/**
 * Resolves with the exit code (128 + number for a signal). SIGINT, SIGTERM and SIGHUP are passed on, once each; the two that a
 * terminal sends to all in the foreground (Ctrl-C, hang-up) only where there is none, for npm repeats them too.
 * @param {string} command @param {readonly string[]} args @param {{ cwd: string, env: NodeJS.ProcessEnv }} options @returns {Promise<number>}
 */
export function foreground(command, args, options) {
  const child = spawn(command, args, { ...options, stdio: 'inherit' });
  const isTerminal = process.stdin.isTTY === true;
  const passed = new Set(isTerminal ? ['SIGINT', 'SIGHUP'] : []);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => {
      if (!passed.has(signal)) child.kill(signal);
      passed.add(signal);
    });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? 128 + (constants.signals[signal] ?? 0)));
  });
}
