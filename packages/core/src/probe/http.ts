import { request as plain } from 'node:http';
import { request as secure } from 'node:https';
import { type Answer, exchange } from './http-exchange.ts';
import { names } from './names.ts';
import { authority, inShort, type Prepare, reach } from './prepared.ts';

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

/**
 * Good when a GET is answered with one of the statuses and, where `body` is set, its text stands in the first 64 KiB. Redirects are not followed:
 * a 3xx is a status like the others. A body that breaks off is not good, one that goes on without end is. With `https` any signer of the
 * certificate is taken, for a probe asks whether this worker answers; one that is out of its time, or not for the name in `host` or in the `Host`
 * header, is not.
 */
export const prepareHttp: Prepare = (given, { clock, endpoints }) => {
  const { port: asked, path = '/', scheme = 'http', status = [[200, 399]], body, headers = {}, host } = (given ?? {}) as HttpOptions;
  if (asked === undefined) throw new Error('there is no port to ask');
  const { address, port } = host === undefined ? reach(asked, endpoints) : { address: host, port: asked };
  const what = `GET ${scheme}://${authority(address, port)}${withoutQuery(path)}`;
  const isExpected = (code: number): boolean => status.some(([from, to]) => code >= from && code <= to);
  return {
    what,
    ask: async (call) => {
      const sent = (scheme === 'https' ? secure : plain)({
        host: address,
        port,
        path: path.replace(/[^\x21-\x7e]+/gu, encodeURIComponent),
        agent: false,
        lookup: names.lookup,
        rejectUnauthorized: false,
        headers: { 'user-agent': 'ostler-probe', accept: '*/*', 'accept-encoding': 'identity', ...headers },
      });
      const answer = await exchange(sent, { wanted: (code) => (isExpected(code) ? body : undefined), name: nameIn(headers) ?? host ?? null, clock, call });
      const told = `${what} answered ${answer.status}${redirectOf(answer)}`;
      if (!isExpected(answer.status)) return { ok: false, evidence: told };
      if (body === undefined ? answer.end !== 'broken' : answer.hasWanted) return { ok: true, evidence: told };
      if (answer.end === 'broken') return { ok: false, evidence: `${told}, but its body broke off after ${answer.extent}` };
      const where = answer.end === 'cut' ? 'the first 64 KiB of its body' : 'its body';
      return { ok: false, evidence: `${told}, but ${JSON.stringify(body)} is not in ${where}${compressionOf(answer)}` };
    },
  };
};

/** A query may carry a token. */
const withoutQuery = (path: string): string => path.replace(/\?.*$/s, '?…');

/** Of the `Host` header, without its port and the brackets of an address. */
function nameIn(headers: Readonly<Record<string, string>>): string | null {
  const [, value] = Object.entries(headers).find(([name]) => name.toLowerCase() === 'host') ?? [];
  return value?.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1') || null;
}

function redirectOf({ status, headers: { location } }: Answer): string {
  if (status < 300 || status > 399 || location === undefined) return '';
  // Neither a password in it nor its query.
  return ` (a redirect to ${inShort(withoutQuery(location.replace(/\/\/[^/?#]*@/, '//')), 100)}, not followed)`;
}

function compressionOf({ headers }: Answer): string {
  const coding = headers['content-encoding'];
  return coding === undefined || coding === 'identity' ? '' : `, which is compressed (${inShort(coding, 20)}) though that was not asked for`;
}
