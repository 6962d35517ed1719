import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { isRuntimeFailure } from '@ostler/sdk';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { importBaseImage } from './fixtures/base-image.ts';
import { testDockerd } from './fixtures/dockerd.ts';
import { opened } from './fixtures/opened.ts';

const abilities = JSON.parse(process.env['OSTLER_ABILITIES'] ?? '{}') as Readonly<Record<string, string | null>>;
const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail('it succeeded'),
    (error: unknown) => (isRuntimeFailure(error) ? { code: error.code, outcome: error.outcome, cause: error.cause } : error),
  );

describe.skipIf(abilities['docker'] !== null)('an engine at another end', { timeout: 60_000 }, () => {
  const engine = testDockerd();
  const before = { ...process.env };
  beforeAll(async () => {
    await engine.start();
    await importBaseImage(engine.socketPath, engine.dir);
  }, 60_000);
  afterAll(async () => {
    for (const name of ['DOCKER_TLS_VERIFY', 'DOCKER_CERT_PATH', 'PATH']) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
    await engine.end();
  }, 60_000);

  /** All that goes through a connection: calls, an upgrade, a followed log. */
  async function useIt(d: ReturnType<typeof opened>): Promise<void> {
    const { target } = await d.start(['/bin/sh', '-c', 'echo ready; read x <&- ; exec sleep 60']);
    const session = await d.driver.exec(target, ['cat'], { tty: false }, d.call());
    const writer = session.stdin.getWriter();
    await writer.write(Buffer.from('there and back'));
    await writer.close();
    expect(Buffer.from((await session.stdout.getReader().read()).value ?? []).toString('utf8')).toBe('there and back');
    expect(await session.exit).toBe(0);
    const records = d.driver.logs(target, 'start', true, d.call())[Symbol.asyncIterator]();
    expect(Buffer.from(((await records.next()).value as { bytes: Uint8Array }).bytes).toString('utf8')).toBe('ready\n');
    await d.driver.stop(target, { signal: 'SIGKILL', graceMs: 0 }, d.call());
    await records.return?.();
  }

  test('over TLS, with the certificates of DOCKER_CERT_PATH; an engine that another authority speaks for is not spoken to', async () => {
    const certs = join(engine.dir, 'certs');
    mkdirSync(certs);
    const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { cwd: certs, stdio: 'ignore' });
    const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
    for (const authority of ['ca', 'other'])
      openssl('req', '-x509', ...ec, '-keyout', `${authority}-key.pem`, '-out', `${authority}.pem`, '-subj', `/CN=${authority}`);
    writeFileSync(join(certs, 'names'), 'subjectAltName=IP:127.0.0.1');
    for (const name of ['server', 'client']) {
      openssl('req', ...ec, '-keyout', `${name}-key.pem`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
      openssl(
        'x509',
        '-req',
        '-in',
        `${name}.csr`,
        '-CA',
        'ca.pem',
        '-CAkey',
        'ca-key.pem',
        '-CAcreateserial',
        '-days',
        '2',
        '-extfile',
        'names',
        '-out',
        `${name}.pem`,
      );
    }
    const file = (name: string) => readFileSync(join(certs, name));
    const folder = (name: string, ca: string): string => {
      const dir = join(certs, name);
      mkdirSync(dir);
      for (const [to, from] of [
        ['ca.pem', ca],
        ['cert.pem', 'client.pem'],
        ['key.pem', 'client-key.pem'],
      ] as const)
        writeFileSync(join(dir, to), file(from));
      return dir;
    };
    // dockerd itself listens in a network namespace of its own.
    const server = createTlsServer(
      { key: file('server-key.pem'), cert: file('server.pem'), ca: file('ca.pem'), requestCert: true, rejectUnauthorized: true, allowHalfOpen: true },
      (socket) => {
        const inner = connect({ path: engine.socketPath, allowHalfOpen: true });
        socket.pipe(inner).pipe(socket);
        socket.on('error', () => inner.destroy());
        inner.on('error', () => socket.destroy());
      },
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const host = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
    process.env['DOCKER_TLS_VERIFY'] = '1';
    process.env['DOCKER_CERT_PATH'] = folder('right', 'ca.pem');
    const d = opened(host);
    try {
      await useIt(d);
      process.env['DOCKER_CERT_PATH'] = folder('wrong', 'other.pem');
      const fooled = opened(host);
      expect(await failureOf(fooled.driver.ping(fooled.call(5000)))).toMatchObject({ code: 'engine-down', cause: expect.stringMatching(/certificate/i) });
      await fooled.end();
      process.env['DOCKER_CERT_PATH'] = join(certs, 'right');
    } finally {
      await d.end();
      server.close();
      delete process.env['DOCKER_TLS_VERIFY'];
    }
  });

  const sshd = '/usr/sbin/sshd';
  test.skipIf(!existsSync(sshd))('over ssh, as the docker command does it; what ssh says is told', async () => {
    const dir = join(engine.dir, 'ssh');
    const bin = join(dir, 'bin');
    mkdirSync(bin, { recursive: true });
    mkdirSync('/run/sshd', { recursive: true });
    for (const key of ['host', 'own']) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(dir, key)]);
    const port = await freePort();
    writeFileSync(join(dir, 'authorized'), readFileSync(join(dir, 'own.pub')));
    const settings = {
      server: [
        `Port ${port}`,
        'ListenAddress 127.0.0.1',
        `HostKey ${dir}/host`,
        `AuthorizedKeysFile ${dir}/authorized`,
        `PidFile ${dir}/pid`,
        'StrictModes no',
        'UsePAM no',
        `SetEnv DOCKER_HOST=${engine.host}`,
      ],
      client: [`IdentityFile ${dir}/own`, 'StrictHostKeyChecking no', `UserKnownHostsFile ${dir}/known`],
    };
    writeFileSync(join(dir, 'sshd_config'), `${settings.server.join('\n')}\n`);
    writeFileSync(join(dir, 'ssh_config'), `${settings.client.join('\n')}\n`);
    writeFileSync(join(bin, 'ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F ${dir}/ssh_config "$@"\n`);
    chmodSync(join(bin, 'ssh'), 0o755);
    process.env['PATH'] = `${bin}:${before['PATH'] ?? ''}`;
    const server = spawn(sshd, ['-D', '-e', '-f', join(dir, 'sshd_config')], { stdio: ['ignore', 'ignore', 'pipe'] });
    await once(server.stderr, 'data');
    const d = opened(`ssh://root@127.0.0.1:${port}`);
    try {
      await useIt(d);
      writeFileSync(join(dir, 'authorized'), '');
      const refused = opened(`ssh://root@127.0.0.1:${port}`);
      expect(await failureOf(refused.driver.ping(refused.call(10_000)))).toMatchObject({
        code: 'engine-down',
        outcome: 'no',
        cause: expect.stringContaining('Permission denied'),
      });
      await refused.end();
      writeFileSync(join(dir, 'authorized'), readFileSync(join(dir, 'own.pub')));
    } finally {
      await d.end();
      const ended = once(server, 'exit');
      server.kill('SIGTERM');
      await ended;
    }
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
