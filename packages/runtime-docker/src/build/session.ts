import { randomUUID } from 'node:crypto';
import { performServerHandshake, type ServerHttp2Stream } from 'node:http2';
import type { Call } from '@ostler/sdk';
import type { Connection } from '../engine/connection.ts';
import { loginFor } from '../image/credentials.ts';
import { fieldsOf, textField } from './protobuf.ts';

/** A session while it is open: builds name it by its id. */
export interface Session {
  readonly id: string;
  close(): void;
}

const method = { credentials: '/moby.filesync.v1.Auth/Credentials', health: '/grpc.health.v1.Health/Check' } as const;
const unimplemented = 12;

/**
 * What BuildKit asks its client for during a build: here only logins of registries, without which it pulls nothing from one that wants a token, not even where
 * anybody gets it. The engine calls us: gRPC over HTTP/2 in a connection that we opened (`POST /session`, moby/buildkit session/auth).
 */
export async function openSession(engine: Connection, call: Call): Promise<Session> {
  const id = randomUUID();
  const socket = await engine.upgrade({
    method: 'POST',
    path: '/session',
    protocol: 'h2c',
    headers: {
      'X-Docker-Expose-Session-Uuid': id,
      'X-Docker-Expose-Session-Name': 'ostler',
      'X-Docker-Expose-Session-Sharedkey': '',
      'X-Docker-Expose-Session-Grpc-Method': method.credentials,
    },
    what: 'open a session for a build',
    isRead: true,
    signal: call.signal,
  });
  socket.on('error', () => {});
  const session = performServerHandshake(socket as Parameters<typeof performServerHandshake>[0]);
  // Whatever becomes of it, the build says so itself.
  session.on('error', () => {});
  session.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => {});
    void answer(stream, String(headers[':path']), call).catch(() => stream.destroy());
  });
  return {
    id,
    close() {
      session.destroy();
      socket.destroy();
    },
  };
}

async function answer(stream: ServerHttp2Stream, path: string, call: Call): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  // One message: a byte for compression, four for the length.
  const message = Buffer.concat(chunks).subarray(5);
  if (path === method.health) reply(stream, Buffer.from([0x08, 0x01]));
  else if (path === method.credentials) reply(stream, await credentialsFor(hostIn(message), call));
  else stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': String(unimplemented) }, { endStream: true });
}

function reply(stream: ServerHttp2Stream, message: Buffer): void {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.end(Buffer.concat([head, message]));
}

/** `CredentialsRequest { Host = 1 }`. Docker's own hub goes by the name of its server here. */
function hostIn(message: Buffer): string {
  const host = Buffer.from([...fieldsOf(message)].find(({ field }) => field === 1)?.bytes ?? []).toString('utf8');
  return host === 'registry-1.docker.io' ? 'docker.io' : host;
}

/** `CredentialsResponse { Username = 1, Secret = 2 }`: empty where this host has no login, and where its helper fails, which the registry's answer will show. */
async function credentialsFor(registry: string, call: Call): Promise<Buffer> {
  const login = await loginFor(registry, call).catch(() => null);
  if (login === null) return Buffer.alloc(0);
  const { username = '', password = '', identitytoken } = login;
  return identitytoken === undefined ? Buffer.concat([textField(1, username), textField(2, password)]) : textField(2, identitytoken);
}
