import { type ClientRequest, request as plain } from 'node:http';
import { request as secure } from 'node:https';
import type { Call } from '@ostler/sdk';
import type { Cancel, CoreClock } from '../base/clock.ts';
import { authority, type Prepare, reach } from './prepared.ts';

interface HttpOptions {
  readonly port?: number | undefined;
  readonly path?: string | undefined;
  readonly scheme?: 'http' | 'https' | undefined;
  readonly status?: readonly (readonly [number, number])[] | undefined;
  /** A text that the body must contain. */
  readonly body?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** In place of the worker's own address. A name for the `Host` header alone is set in `headers`. */
  readonly host?: string | undefined;
}

/** As much of a body is looked at. */
const maxBodyBytes = 64 * 1024;
/** How long the end of a body is waited for that nobody needs, so that the server does not see its answer refused. */
const drainMs = 100;

/**
 * Good when a GET is answered with one of the statuses and, where `body` is set, its text stands in the first 64 KiB. Redirects are not followed:
 * a 3xx is a status like the others. With `https` the certificate is not verified: a probe asks whether this worker answers, and its certificate
 * is for the name by which others reach it.
 */
export const prepareHttp: Prepare = (given, { clock, endpoints }) => {
  const { port: asked, path = '/', scheme = 'http', status = [[200, 399]], body, headers = {}, host } = (given ?? {}) as HttpOptions;
  if (asked === undefined) throw new Error('there is no port to ask');
  const { address, port } = host === undefined ? reach(asked, endpoints) : { address: host, port: asked };
  // A query may carry a token.
  const what = `GET ${scheme}://${authority(address, port)}${path.replace(/\?.*$/s, '?…')}`;
  const isExpected = (code: number): boolean => status.some(([from, to]) => code >= from && code <= to);
  return {
    what,
    ask: async (call) => {
      const sent = (scheme === 'https' ? secure : plain)({
        host: address,
        port,
        path: path.replace(/[^\x21-\x7e]+/gu, encodeURIComponent),
        agent: false,
        rejectUnauthorized: false,
        headers: { 'user-agent': 'ostler-probe', accept: '*/*', 'accept-encoding': 'identity', ...headers },
      });
      const answer = await exchange(sent, { wanted: (code) => (isExpected(code) ? body : undefined), clock, call });
      if (!isExpected(answer.status)) return { ok: false, evidence: `${what} answered ${answer.status}` };
      if (body === undefined || answer.hasWanted) return { ok: true, evidence: `${what} answered ${answer.status}` };
      const where = answer.isCut ? 'the first 64 KiB of its body' : 'its body';
      return { ok: false, evidence: `${what} answered ${answer.status}, but ${JSON.stringify(body)} is not in ${where}` };
    },
  };
};

interface Exchange {
  /** The text that is looked for in the body of an answer of this status. */
  wanted(status: number): string | undefined;
  readonly clock: CoreClock;
  readonly call: Call;
}
interface Answer {
  readonly status: number;
  readonly hasWanted: boolean;
  /** The body went on after the bytes that were looked at. */
  readonly isCut: boolean;
}

function exchange(sent: ClientRequest, { wanted, clock, call }: Exchange): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      reject(call.signal.reason);
      sent.destroy();
    };
    call.signal.addEventListener('abort', giveUp, { once: true });
    sent.on('error', reject);
    sent.on('close', () => {
      call.signal.removeEventListener('abort', giveUp);
      reject(new Error('the connection was closed without an answer'));
    });
    sent.on('response', (response) => {
      const status = response.statusCode ?? 0;
      const text = wanted(status);
      const body = text === undefined ? null : new Body(text);
      let bytes = 0;
      let cancelDrain: Cancel = () => {};
      const finish = (isWhole: boolean): void => {
        cancelDrain();
        resolve({ status, hasWanted: body?.hasText ?? false, isCut: !isWhole });
        if (!isWhole) sent.destroy();
      };
      response.on('error', (error) => (body === null ? finish(false) : reject(error)));
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        body?.push(chunk);
        if (bytes > maxBodyBytes || body?.hasText) finish(false);
      });
      response.on('end', () => finish(true));
      if (body === null) cancelDrain = clock.after(drainMs, () => finish(false));
    });
    sent.end();
  });
}

/** Looks for a text in what comes in pieces. */
class Body {
  readonly #text: Buffer;
  readonly #kept = Buffer.alloc(maxBodyBytes);
  #bytes = 0;
  hasText = false;

  constructor(text: string) {
    this.#text = Buffer.from(text);
  }

  push(chunk: Buffer): void {
    // The text may begin in the piece before.
    const from = Math.max(0, this.#bytes - this.#text.length);
    this.#bytes += chunk.copy(this.#kept, this.#bytes);
    this.hasText ||= this.#kept.subarray(from, this.#bytes).includes(this.#text);
  }
}
