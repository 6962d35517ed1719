import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { TLSSocket } from 'node:tls';

/**
 * Throws what is wrong with the certificate of a server whoever asks: it is out of its time, or it is for another name than the one that a person gave
 * for it. Who signed it is not looked at, so a self-signed one is as good as another. `name`: `null`, an address and `localhost` say
 * nothing of the name by which others reach it.
 */
export function refuseCertificate(socket: TLSSocket, name: string | null, nowMs: number): void {
  const { raw } = socket.getPeerCertificate();
  if (raw === undefined) return;
  const certificate = new X509Certificate(raw);
  const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  if (nowMs > to) throw new Error(`its certificate expired on ${day(to)}`);
  if (nowMs < from) throw new Error(`its certificate is not valid before ${day(from)}`);
  if (name === null || isIP(name) !== 0 || name === 'localhost' || certificate.checkHost(name) !== undefined) return;
  throw new Error(`its certificate is not for ${name}, but for ${namesOf(certificate)}`);
}

const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

function namesOf({ subjectAltName, subject }: X509Certificate): string {
  const names = [...(subjectAltName ?? '').matchAll(/(?:DNS|IP Address):([^,]+)/g)].map(([, one]) => one ?? '');
  if (names.length > 3) return `${names.slice(0, 3).join(', ')} …`;
  return names.join(', ') || /CN=(.*)/.exec(subject)?.[1] || 'no name';
}
