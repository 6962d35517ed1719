import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Site } from './site.ts';

const bin = fileURLToPath(new URL('../packages/cli/bin/ostler.js', import.meta.url));
const deadlineMs = 90_000;

/** The built command as a person types it. */
export const ostlerWords = (...words: readonly string[]): readonly string[] => [process.execPath, bin, ...words];

/** What everybody gets: no setting of the person who runs this. */
export const environment = (): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
  HOME: process.env['HOME'] ?? '/',
  LANG: 'C.UTF-8',
});

export interface Answer {
  readonly code: number | null;
  /** What it printed as JSON; `null`: nothing that is. */
  readonly document: Readonly<Record<string, unknown>> | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Of a change: how it came out, by the agent's own word. */
export const outcomeOf = ({ document }: Answer): string | null => (typeof document?.['outcome'] === 'string' ? document['outcome'] : null);

export function startCommand({ dir, socket }: Site, words: readonly string[]): ChildProcess {
  const [command = '', ...args] = ostlerWords(...words, '--socket', socket, '--json');
  // A group of its own: Ctrl-C on a terminal is for the run, which then ends it.
  return spawn(command, args, { cwd: dir, env: environment(), stdio: ['ignore', 'pipe', 'pipe'], detached: true });
}

/** A verb, with `--json`; killed when it has not ended after 90 s. */
export function ostler(site: Site, ...words: readonly string[]): Promise<Answer> {
  return new Promise((resolve) => {
    const child = startCommand(site, words);
    const late = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
    let [stdout, stderr] = ['', ''];
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', (error) => (stderr += error.message));
    child.on('close', (code) => {
      clearTimeout(late);
      resolve({ code, document: parsed(stdout), stdout, stderr });
    });
  });
}

function parsed(text: string): Answer['document'] {
  try {
    return JSON.parse(text) as Answer['document'];
  } catch {
    return null;
  }
}
