import { readFileSync } from 'node:fs';
import { type Exit, type Listed, type Observed, signalName } from '@ostler/sdk';
import type { ContainerJson, ListedJson } from '../engine/json.ts';
import { refusal } from '../errors.ts';
import type { Flavour } from '../flavour.ts';
import { endpointsOf } from './endpoints.ts';
import { handleTo, isOurs, labels, refOf } from './identity.ts';
import { listedHealthOf, opinionOf } from './image-health.ts';
import { stopSignalOf } from './stop-signal.ts';

/** Docker's `created`, and what Podman calls the way there. */
const neverRan = ['created', 'configured', 'initialized'];
const ended = ['exited', 'stopped', 'dead', 'removing'];

/** `host`: of the engine, as the agent reaches it. `owner`: of the network that it has joined. */
export function observe(found: ContainerJson, flavour: Flavour, host: string, owner: ContainerJson | null): Observed {
  const ref = refOf(found.Config.Labels);
  if (ref === null) throw refusal('internal', `the container ${found.Name} has none of our labels`);
  const { State } = found;
  const head = { ref, handle: handleTo(found.Id), engine: found.Config.Labels?.[labels.store] ?? '' };
  if (neverRan.includes(State.Status)) return { ...head, is: 'created' };
  if (!State.Running && State.Status !== 'paused') return { ...head, is: 'exited', exit: exitOf(found, flavour), stopSignal: stopSignalOf(found) };
  const pid = hostPid(found);
  return {
    ...head,
    is: 'running',
    startedAt: State.StartedAt,
    endpoints: endpointsOf(found, owner, host, pid !== null),
    ...opinionOf(found, flavour),
    ...(pid === null ? {} : { pid }),
  };
}

function exitOf({ State, HostConfig }: ContainerJson, flavour: Flavour): Exit {
  const code = State.ExitCode;
  // An engine has only the number, 128 + n: 137 as an exit code is told as SIGKILL too. Higher ones are more likely codes.
  const signal = code > 128 && code < 128 + 32 ? signalName(code - 128) : null;
  return { code: signal === null ? code : null, signal, at: timeOf(State.FinishedAt), oom: oomOf(), evidence: 'engine' };

  function oomOf(): Exit['oom'] {
    // Of any process in it: that it was the worker itself is known by its end.
    if (State.OOMKilled === true) return signal === 'SIGKILL' ? 'main' : 'inside';
    // Podman below 5 does not notice.
    return flavour === 'podman' && signal === 'SIGKILL' && (HostConfig.Memory ?? 0) > 0 ? 'unknown' : 'no';
  }
}

function timeOf(text: string): string | null {
  return text === '' || text.startsWith('0001-') ? null : text;
}

/** The pid, if it is that of a process of this very host: an engine may be in a VM, on another machine, or this agent in a container. */
function hostPid({ Id, State }: ContainerJson): number | null {
  if (process.platform !== 'linux' || State.Pid <= 1) return null;
  try {
    return readFileSync(`/proc/${String(State.Pid)}/cgroup`, 'utf8').includes(Id) ? State.Pid : null;
  } catch {
    return null;
  }
}

/** `null` = a container of somebody else, made from an image that ours was committed to. Throws `internal` for ours without its labels. */
export function listed(found: ListedJson, flavour: Flavour): Listed | null {
  if (!isOurs(found)) return null;
  const ref = refOf(found.Labels);
  if (ref === null) throw refusal('internal', `the container ${found.Names?.[0] ?? found.Id} is of this agent, but its labels do not say which instance it is`);
  const is = neverRan.includes(found.State) ? 'created' : ended.includes(found.State) ? 'exited' : 'running';
  return { ref, handle: handleTo(found.Id), is, ...listedHealthOf(found, flavour) };
}
