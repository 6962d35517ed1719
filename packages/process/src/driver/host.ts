import { existsSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import type { Holder } from '../holder/holder.ts';
import { Holders } from '../holder/holders.ts';
import { storeIdentity } from '../instance/directory.ts';
import { findTools, type Tools } from '../launch/wrapper.ts';

/** What this host offers; looked up once, when first needed. */
export interface Host {
  store(): string;
  tools(): Tools;
  readonly holders: Holders;
  /** Why workers would not outlive the agent; `null` = they do. */
  tieToAgent(): string | null;
}

export function thisHost(state: string, holder?: Holder): Host {
  let known: Tools | undefined;
  const tools = (): Tools => {
    known ??= findTools();
    return known;
  };
  return {
    store: () => storeOf(state),
    tools,
    holders: new Holders(state, tools, holder),
    tieToAgent: containerReason,
  };
}

const stores = new Map<string, { readonly ino: number; readonly mtimeMs: number; readonly identity: string }>();

/** As {@link storeIdentity}; read again only when the file is another one. */
function storeOf(state: string): string {
  const known = stores.get(state);
  const stat = statSync(`${state}/store`, { throwIfNoEntry: false });
  if (known !== undefined && stat?.ino === known.ino && stat.mtimeMs === known.mtimeMs) return known.identity;
  const identity = storeIdentity(state);
  if (stat !== undefined) stores.set(state, { ino: stat.ino, mtimeMs: stat.mtimeMs, identity });
  return identity;
}

/** Programs that, as PID 1, go on when the agent ends. */
const inits = ['systemd', 'init', 'openrc-init', 'runit', 's6-svscan', 'dinit', 'launchd'];
/** Inode of the first pid namespace (linux/proc_ns.h, PROC_PID_INIT_INO). */
const firstPidNamespace = 'pid:[4026531836]';

/**
 * A container takes its processes along when its first process ends. The files that engines leave in a container also sit in machines that were
 * made from one, so namespaces decide: a pid namespace of its own, or (`--pid=host`) another mount namespace than that of PID 1.
 */
function containerReason(): string | null {
  if (process.platform !== 'linux') return null;
  const mark = ['/.dockerenv', '/run/.containerenv'].find((path) => existsSync(path));
  const container = `the agent runs in a container${mark === undefined ? '' : ` (${mark} exists)`}`;
  if (namespaceOf('self', 'pid') !== firstPidNamespace) {
    const first = readFileSync('/proc/1/comm', 'utf8').trim();
    return inits.includes(first) ? null : `${container} whose first process is ${first}`;
  }
  const outside = namespaceOf('1', 'mnt');
  return mark !== undefined && outside !== null && outside !== namespaceOf('self', 'mnt') ? container : null;
}

/** `null` = an ordinary user may not look at another's. */
function namespaceOf(pid: string, kind: 'pid' | 'mnt'): string | null {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`);
  } catch {
    return null;
  }
}
