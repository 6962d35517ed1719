import { inShort } from './prepared.ts';

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was closed without an answer',
  EPIPE: 'the connection was closed without an answer',
  ETIMEDOUT: 'no connection in time',
  EHOSTUNREACH: 'no route to that host',
  ENETUNREACH: 'no route to that network',
  EADDRNOTAVAIL: 'no local port is free to ask from, or there is no such address',
  EMFILE: 'the agent has too many open files to ask',
  ENOTFOUND: 'no such host name',
  EAI_AGAIN: 'the host name could not be looked up',
  EPROTO: 'it does not speak TLS',
  HPE_HEADER_OVERFLOW: 'its headers are longer than 16 KiB',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOTDIR: 'a part of its path is no folder',
  ELOOP: 'its symbolic links go in a circle',
};

/** Why there is no answer, in words that stand after `127.0.0.1:80: `. */
export function faultText(error: unknown): string {
  if (!(error instanceof Error)) return inShort(String(error)) || 'failed without a reason';
  const { code } = error as { readonly code?: unknown };
  if (typeof code === 'string') {
    // Without a system call it is Node's word for a connection that was closed.
    if (code === 'ECONNRESET' && 'syscall' in error) return 'it reset the connection';
    const known = words[code];
    if (known !== undefined) return known;
    if (code.startsWith('HPE_')) return 'it answered something that is not HTTP';
    if (code.startsWith('ERR_HTTP2_')) return `it does not speak HTTP/2 as gRPC does (${inShort(error.message, 80)})`;
    if (code.startsWith('ERR_SSL_')) return 'it does not speak TLS, or none that is understood';
  }
  return inShort(error.message) || (typeof code === 'string' ? code : error.name);
}
