import { request } from 'node:http';

/** One request over a unix socket; rejects when nobody listens, or after `deadlineMs`. */
export function ask(socketPath: string, method: 'GET' | 'POST', path: string, body?: unknown, deadlineMs = 60_000): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const payload = body === undefined ? '' : JSON.stringify(body);
    const headers = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) };
    const asked = request({ socketPath, method, path, headers, agent: false, timeout: deadlineMs }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
      response.on('error', reject);
    });
    asked.on('timeout', () => asked.destroy(new Error(`no answer to ${method} ${path} within ${deadlineMs / 1000} s`)));
    asked.on('error', reject);
    asked.end(payload);
  });
}
