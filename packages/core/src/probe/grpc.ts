import type { GrpcAnswer } from './grpc-check.ts';
import { statusIn } from './grpc-health.ts';
import { authority, inShort, type Prepare, reach } from './prepared.ts';

interface GrpcOptions {
  readonly port?: number | undefined;
  /** Absent = the server as a whole. */
  readonly service?: string | undefined;
  readonly tls?: boolean | undefined;
}

const codes = (
  'OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED ' +
  'OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED'
).split(' ');

/**
 * Good when grpc.health.v1.Health/Check answers SERVING. Over cleartext HTTP/2, or TLS with any signer of the certificate, as the http probe takes it.
 */
export const prepareGrpc: Prepare = (given, { clock, endpoints }) => {
  const { port: asked, service = '', tls = false } = (given ?? {}) as GrpcOptions;
  if (asked === undefined) throw new Error('there is no port to ask');
  const { address, port } = reach(asked, endpoints);
  const where = authority(address, port);
  const what = service === '' ? `gRPC health of ${where}` : `gRPC health of "${inShort(service, 80)}" at ${where}`;
  return {
    what,
    ask: async (call) => {
      const { check } = await import('./grpc-check.ts');
      const answer = await check({ address, port, tls, where, service, clock, call });
      const trouble = troubleOf(answer);
      if (trouble !== null) return { ok: false, evidence: `${what} answered ${trouble}` };
      const status = statusIn(answer.bytes);
      return { ok: status === 'SERVING', evidence: `${what} answered ${status}` };
    },
  };
};

function troubleOf({ headers, trailers }: GrpcAnswer): string | null {
  // An answer without a body has its trailers in the place of headers.
  const written = trailers['grpc-status'] ?? headers['grpc-status'];
  if (written === undefined) {
    if (Number(headers[':status']) !== 200) return `HTTP ${headers[':status']}, which is no answer of gRPC`;
    return 'without the status of gRPC';
  }
  const code = Number(written);
  const name = codes[code] ?? `the unknown code ${inShort(String(written), 20)}`;
  if (code === 0) return null;
  if (code === 5) return `${name}: it knows no service of that name`;
  if (code === 12) return `${name}: it does not offer grpc.health.v1.Health`;
  const message = trailers['grpc-message'] ?? headers['grpc-message'];
  return typeof message === 'string' && message !== '' ? `${name}: ${inShort(decoded(message), 100)}` : name;
}

function decoded(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}
