import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ostlerCommand } from '../peers/ostler.ts';
import { type Engine, image } from './engine.ts';

/** One that brings up containers: each sleeps, with an init, on a network of all of them, its log capped. */
export interface Contender {
  readonly name: string;
  missing(): string | null;
  version(): string;
  /** Begins with none to have `n`. Resolves once it has done its part; when they run, the engine's events tell. */
  up(engine: Engine, dir: string, n: number): Promise<void>;
  /** What a person calls when nothing was changed. */
  again?(engine: Engine, dir: string): void;
  /** Ends what it runs beside the containers. */
  end?(): Promise<void>;
}

const sleeps = ['sleep', '100000'];
const hostConfig = { Init: true, LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } } };

/** The calls that it takes, so many at a time. */
export const bareCalls = (parallel: number): Contender => ({
  name: `bare calls, ${parallel} at a time`,
  missing: () => null,
  version: () => process.version,
  async up(engine, _, n) {
    await makeNetwork(engine);
    const waiting = Array.from({ length: n }, (_, index) => index);
    const work = async (): Promise<void> => {
      for (let index = waiting.shift(); index !== undefined; index = waiting.shift()) await startOne(engine, `bare-${index}`);
    };
    await Promise.all(Array.from({ length: parallel }, work));
  },
});

const network = 'bench';
/** As every worker has one: a container on a network of its own kind takes longer to start than one on the default bridge. */
export const makeNetwork = (engine: Engine): Promise<unknown> => engine.call('POST', '/networks/create', { Name: network, CheckDuplicate: true });

/** On that network. `policy`: the engine's own restarts. */
export async function startOne(engine: Engine, name: string, policy = 'no'): Promise<string> {
  const body = { Image: image, Cmd: sleeps, HostConfig: { ...hostConfig, NetworkMode: network, RestartPolicy: { Name: policy } } };
  const { Id } = await engine.call<{ Id: string }>('POST', `/containers/create?name=${name}`, body);
  await engine.call('POST', `/containers/${Id}/start`);
  return Id;
}

const environment = (engine: Engine) => ({ PATH: process.env['PATH'], HOME: process.env['HOME'], DOCKER_HOST: engine.host });

function must(argv: readonly string[], engine: Engine, cwd: string): void {
  const [command = '', ...args] = argv;
  const { status, stderr } = spawnSync(command, args, { cwd, env: environment(engine), encoding: 'utf8' });
  if (status !== 0) throw new Error(`${argv.join(' ')} ended with ${status}: ${stderr.slice(-500)}`);
}

const composeCommand = (): readonly string[] | null => {
  if (spawnSync('docker', ['compose', 'version'], { stdio: 'ignore' }).status === 0) return ['docker', 'compose'];
  return spawnSync('docker-compose', ['version'], { stdio: 'ignore' }).status === 0 ? ['docker-compose'] : null;
};

export const compose: Contender = {
  name: 'docker compose',
  missing: () => (composeCommand() === null ? 'not installed: bench/peers/install.sh' : null),
  version: () => spawnSync(composeCommand()![0]!, [...composeCommand()!.slice(1), 'version', '--short'], { encoding: 'utf8' }).stdout.trim(),
  async up(engine, dir, n) {
    const service = { image, command: sleeps, init: true, logging: { driver: 'json-file', options: { 'max-size': '10m', 'max-file': '3' } } };
    const services = Object.fromEntries(Array.from({ length: n }, (_, index) => [`w${index}`, service]));
    writeFileSync(join(dir, 'compose.yaml'), JSON.stringify({ version: '3.7', services }));
    must([...composeCommand()!, '-f', 'compose.yaml', '-p', 'bench', 'up', '-d'], engine, dir);
  },
  again: (engine, dir) => must([...composeCommand()!, '-f', 'compose.yaml', '-p', 'bench', 'up', '-d'], engine, dir),
};

/** An agent of its own, begun by `up` in the foreground. */
export class Ostler implements Contender {
  readonly name = 'ostler';
  #child: ChildProcess | null = null;

  missing(): string | null {
    return null;
  }

  version(): string {
    return spawnSync(process.execPath, [...ostlerCommand('--version').slice(1)], { encoding: 'utf8' }).stdout.trim();
  }

  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  static socketOf(dir: string): string {
    return join(dir, 's');
  }

  async up(engine: Engine, dir: string, n: number): Promise<void> {
    const worker = { runtime: 'docker', image, pull: 'missing', command: sleeps };
    const workers = Object.fromEntries(Array.from({ length: n }, (_, index) => [`w${index}`, worker]));
    mkdirSync(join(dir, 'd'), { recursive: true });
    writeFileSync(join(dir, 'ostler.json'), JSON.stringify({ ostler: 1, workers }));
    const files = ['--config', join(dir, 'ostler.json'), '--data-dir', join(dir, 'd'), '--socket', Ostler.socketOf(dir)];
    const [command = '', ...args] = ostlerCommand('serve', ...files);
    this.#child = spawn(command, args, { cwd: dir, env: environment(engine), stdio: 'ignore' });
  }

  again(engine: Engine, dir: string): void {
    must(ostlerCommand('apply', '--config', join(dir, 'ostler.json'), '--socket', Ostler.socketOf(dir)), engine, dir);
  }

  /** Killed: its containers are not its to end here. */
  async end(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}
