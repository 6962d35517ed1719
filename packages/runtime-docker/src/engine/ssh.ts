import { spawn } from 'node:child_process';
import { Agent } from 'node:http';
import { Duplex } from 'node:stream';
import type { SshTarget } from '../endpoint/endpoint.ts';
import type { Flavour } from '../flavour.ts';

const toldBytes = 2000;

/** Connections through the host's own ssh, with its keys and settings, to the engine's own `system dial-stdio` there: as the docker command does it. */
export function sshAgent(target: SshTarget, flavour: Flavour, keepAlive: boolean): Agent {
  const agent = new Agent({ keepAlive });
  Object.assign(agent, { createConnection: () => dial(target, flavour) });
  return agent;
}

function dial({ host, port, user }: SshTarget, flavour: Flavour): Duplex {
  const more = [...(user === null ? [] : ['-l', user]), ...(port === null ? [] : ['-p', String(port)])];
  // Nobody is there to type a password.
  const argv = ['-T', '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=30', ...more, '--', host, flavour, 'system', 'dial-stdio'];
  const child = spawn('ssh', argv, { stdio: ['pipe', 'pipe', 'pipe'] });
  let told = '';
  let hasAnswered = false;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    told = (told + text).slice(-toldBytes);
  });
  child.stdout.once('data', () => {
    hasAnswered = true;
  });
  child.stdin.on('error', () => {});
  const duplex = new Duplex({
    read: () => void child.stdout.resume(),
    write: (chunk, _, done) => void child.stdin.write(chunk, () => done()),
    final: (done) => void child.stdin.end(done),
    destroy: (error, done) => {
      child.kill('SIGTERM');
      done(error);
    },
  });
  child.stdout.on('data', (chunk) => {
    if (!duplex.push(chunk)) child.stdout.pause();
  });
  child.stdout.on('end', () => {
    // What ssh says when it could not connect comes on stderr, with its end.
    if (hasAnswered) duplex.push(null);
  });
  const lost = (why: string): void => void duplex.destroy(Object.assign(new Error(why), { code: 'ECONNREFUSED' }));
  child.on('error', (error) => lost(`ssh cannot be run: ${error.message}`));
  child.on('close', () => {
    if (!hasAnswered && !duplex.destroyed) lost(told.trim() || 'ssh ended without a word');
  });
  // What Node's agent asks of a socket.
  const hold = (name: 'ref' | 'unref') => () => {
    child[name]();
    for (const stream of [child.stdin, child.stdout, child.stderr]) (stream as unknown as Partial<Record<'ref' | 'unref', () => void>>)[name]?.();
    return duplex;
  };
  return Object.assign(duplex, { setKeepAlive: () => duplex, setNoDelay: () => duplex, setTimeout: () => duplex, ref: hold('ref'), unref: hold('unref') });
}
