import { connect } from 'node:net';
import type { Call } from '@ostler/sdk';
import { names } from './names.ts';
import { authority, type Prepare, reach } from './prepared.ts';

interface TcpOptions {
  readonly port?: number | undefined;
  /** In place of the worker's own address. */
  readonly host?: string | undefined;
}

/** Good when a connection is accepted; nothing is sent. */
export const prepareTcp: Prepare = (given, { endpoints }) => {
  const { port: asked, host } = (given ?? {}) as TcpOptions;
  if (asked === undefined) throw new Error('there is no port to ask');
  const { address, port } = host === undefined ? reach(asked, endpoints) : { address: host, port: asked };
  const what = authority(address, port);
  return {
    what,
    ask: async (call) => {
      await accepts(address, port, call);
      return { ok: true, evidence: `${what} accepts connections` };
    },
  };
};

function accepts(host: string, port: number, call: Call): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, lookup: names.lookup });
    const giveUp = (): void => {
      call.progress('there is no connection so far');
      socket.destroy();
      reject(call.signal.reason);
    };
    call.signal.addEventListener('abort', giveUp, { once: true });
    socket.on('error', reject);
    socket.on('connect', () => {
      resolve();
      socket.destroy();
    });
    socket.on('close', () => call.signal.removeEventListener('abort', giveUp));
  });
}
