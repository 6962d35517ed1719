import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findEndpoint } from './find.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'ostler-endpoint-'));
});
afterEach(() => rmSync(home, { recursive: true }));

function context(name: string, host: string, certificates: readonly string[] = []): void {
  const id = createHash('sha256').update(name).digest('hex');
  const meta = join(home, '.docker/contexts/meta', id);
  mkdirSync(meta, { recursive: true });
  writeFileSync(join(meta, 'meta.json'), JSON.stringify({ Name: name, Endpoints: { docker: { Host: host } } }));
  const tls = join(home, '.docker/contexts/tls', id, 'docker');
  mkdirSync(tls, { recursive: true });
  for (const file of certificates) writeFileSync(join(tls, file), file);
}

test('the config goes before DOCKER_HOST, that before DOCKER_CONTEXT, that before the current context, that before a socket', () => {
  context('far', 'tcp://10.0.0.5:2376', ['ca.pem', 'cert.pem', 'key.pem']);
  context('colima', `unix://${home}/colima.sock`);
  writeFileSync(join(home, '.docker/config.json'), JSON.stringify({ currentContext: 'colima' }));
  const env = { HOME: home, DOCKER_CONTEXT: 'far', DOCKER_HOST: 'unix:///somewhere.sock' };
  expect(findEndpoint('docker', { host: 'tcp://127.0.0.1:4000' }, env)).toMatchObject({
    host: '127.0.0.1',
    port: 4000,
    tls: null,
    saidBy: 'the plugin config',
  });
  expect(findEndpoint('docker', {}, env)).toMatchObject({ socketPath: '/somewhere.sock', saidBy: 'DOCKER_HOST' });
  expect(findEndpoint('docker', {}, { ...env, DOCKER_HOST: undefined })).toMatchObject({
    host: '10.0.0.5',
    port: 2376,
    tls: { cert: Buffer.from('cert.pem') },
  });
  expect(findEndpoint('docker', {}, { HOME: home })).toMatchObject({ socketPath: `${home}/colima.sock`, saidBy: 'the docker context "colima"' });
});

test('a rootless socket is found, and the podman of the same user by its own variable', () => {
  mkdirSync(join(home, 'podman'));
  writeFileSync(join(home, 'docker.sock'), '');
  const env = { HOME: home, XDG_RUNTIME_DIR: home };
  const found = findEndpoint('docker', {}, env);
  // A machine with an engine of its own has the system's socket first.
  expect('socketPath' in found && found.socketPath).toMatch(/^(\/var\/run|.*ostler-endpoint-.*)\/docker\.sock$/);
  expect(findEndpoint('podman', {}, { ...env, CONTAINER_HOST: 'unix:///p.sock' })).toMatchObject({ socketPath: '/p.sock', saidBy: 'CONTAINER_HOST' });
});

test('a context that does not exist, and a scheme that cannot be reached, are named; a password in an address is not', () => {
  expect(() => findEndpoint('docker', { context: 'nowhere' }, { HOME: home })).toThrow(/docker context "nowhere"/);
  expect(() => findEndpoint('docker', {}, { HOME: home, DOCKER_HOST: 'fd://me:secret@host' })).toThrow(/fd:\/\/host;/);
  expect(findEndpoint('docker', {}, { HOME: home, DOCKER_HOST: 'ssh://me:secret@host:222' })).toEqual({
    url: 'ssh://host:222',
    saidBy: 'DOCKER_HOST',
    ssh: { host: 'host', port: 222, user: 'me' },
  });
  expect(() => findEndpoint('docker', {}, { HOME: home, DOCKER_HOST: 'ssh://-oProxyCommand=x' })).toThrow(/no host|no address/);
  writeFileSync(join(home, 'broken'), '');
  mkdirSync(join(home, '.docker'));
  writeFileSync(join(home, '.docker/config.json'), '{');
  expect(() => findEndpoint('docker', {}, { HOME: home })).toThrow(/config\.json cannot be read/);
});
