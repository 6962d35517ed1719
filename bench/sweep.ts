import type { Peer } from './peers/peer.ts';
import { belonging, workersOf } from './processes.ts';
import type { Site } from './site.ts';

const deadlineMs = 30_000;
const cell = new Int32Array(new SharedArrayBuffer(4));
const wait = (ms: number): void => void Atomics.wait(cell, 0, 0, ms);

/**
 * Kills what one run has left, each by its pid, and waits until it is gone. Supervisors go before their workers, so that none is restarted. Synchronous: it
 * is also what happens at Ctrl-C and after a failure.
 */
export function sweep(peer: Peer, site: Site): void {
  const end = performance.now() + deadlineMs;
  for (let left = belonging(site); left.length > 0; left = belonging(site)) {
    const workers = new Set(workersOf(site).values());
    const supervisors = left.filter((one) => peer.role(one, left) === 'supervisor');
    const holders = left.filter((one) => !supervisors.includes(one) && !workers.has(one.pid));
    for (const group of [supervisors, holders, left]) for (const { pid } of group) kill(pid);
    if (performance.now() > end) throw new Error(`${left.length} processes of ${peer.name} could not be killed: ${left.map(({ pid }) => pid).join(' ')}`);
    wait(30);
  }
  peer.sweep?.(site);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It went by itself.
  }
}

/** What runs now: ended when the bench ends, however it ends. */
const open = new Map<Site, Peer>();

export function began(peer: Peer, site: Site): void {
  open.set(site, peer);
}

/** Ends one run: in the peer's own way if it has one and that works, and by kill -9 what is left then. */
export async function finish(peer: Peer, site: Site): Promise<void> {
  try {
    await peer.end?.(site);
  } catch {
    // The sweep takes what it left.
  }
  sweep(peer, site);
  open.delete(site);
}

export function sweepAll(): void {
  for (const [site, peer] of open) sweep(peer, site);
  open.clear();
}
