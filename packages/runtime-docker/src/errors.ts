import { failureData, isRuntimeFailure, type RuntimeFailure, type RuntimeFailureCode, runtimeFailure } from '@ostler/sdk';
import type { Endpoint } from './endpoint/endpoint.ts';

/** What was asked of an engine, as far as its failure needs to know. */
export interface Asked {
  /** Completes "cannot …": `start the container of web`. */
  readonly what: string;
  /** Whether it may have changed something by the time that it failed. */
  readonly isMutating: boolean;
}

type Failure = Error & RuntimeFailure;

/** A failure that certainly changed nothing. */
export function refusal(code: RuntimeFailureCode, message: string, isRetryable = false): Failure {
  return runtimeFailure({ code, outcome: 'no', retryable: isRetryable, message });
}

/**
 * Causes that an engine tells with status 500, or 409, though they are others'. Each is told before anything was done: outcome `no`.
 * Texts as of Docker 20.10 to 26.1 and Podman 4.3 to 5.4.
 */
const causes: readonly (readonly [RegExp, RuntimeFailureCode, string])[] = [
  [/no space left on device|disk quota exceeded/i, 'no-space', 'the engine’s disk is full'],
  [
    /no basic auth credentials|unauthorized|authentication required|access to the resource is denied|access forbidden/i,
    'unauthorized',
    'the registry wants other credentials; `docker login` on this host, as the agent’s user, gives them',
  ],
  // Before the one for ports, whose texts are like it: of IPAM this is the whole text.
  [/(?:^|: )Address already in use$/, 'conflict', 'another container has that fixed address'],
  [/requested ip address \S+ is (?:already|not available)/i, 'conflict', 'another container has that fixed address, or the network has none such'],
  [
    /does not belong to any of this network|container-network range does not contain|not in any (?:of the )?subnets?/i,
    'invalid',
    'the network has no such address',
  ],
  [
    /cannot join network of a non running container|dependency .* is not running|is not running, can't join/i,
    'not-running',
    'the worker whose network it shares does not run',
  ],
  [
    /port is already allocated|address already in use|bind for .* failed/i,
    'conflict',
    'somebody else holds that port; `ss -ltnp` names the process, `docker ps` the container',
  ],
  [/could not select device driver|unresolvable cdi devices|failed to discover gpu/i, 'no-resources', 'the engine has no GPU to give'],
  [/name .*already in use|already in use by/i, 'conflict', 'the name is taken'],
  [/manifest unknown|manifest for .* not found|no such image|image not known|repository .* not found|name unknown/i, 'not-found', 'there is no such image'],
  [/bind source path does not exist|no such file or directory: .*mount|statfs .*no such file/i, 'invalid', 'the folder to mount does not exist'],
  [/container-init binary not found/i, 'unsupported', 'Podman has no init to give: install its package catatonit, or set `init: false`'],
  [/container \S+ is not running|can only kill running containers|is not in running state|container state improper/i, 'not-running', 'it is not running'],
];

/** What an answer with a status of 400 and more means. `text`: what the engine said. */
export function answerFailure(status: number, text: string, { what, isMutating }: Asked): Failure {
  const said = text.trim().slice(0, 2000);
  const known = status >= 400 ? causes.find(([pattern]) => pattern.test(said)) : undefined;
  const cause = `HTTP ${String(status)}: ${said}`;
  if (known !== undefined) {
    const [, code, why] = known;
    return runtimeFailure({ code, outcome: 'no', retryable: code === 'no-space', message: `cannot ${what}: ${why} (${firstLine(said)})`, cause });
  }
  const isOurs = status < 500;
  return runtimeFailure({
    code: codeOf(status),
    outcome: isOurs || !isMutating ? 'no' : 'unknown',
    retryable: !isOurs,
    message: `cannot ${what}: ${firstLine(said) || `the engine answers with status ${String(status)}`}`,
    cause,
  });
}

function codeOf(status: number): RuntimeFailureCode {
  if (status === 401 || status === 403) return 'unauthorized';
  if (status === 404) return 'not-found';
  if (status === 409) return 'conflict';
  if (status === 501) return 'unsupported';
  return status < 500 ? 'invalid' : 'internal';
}

const neverConnected = ['ENOENT', 'ECONNREFUSED', 'EACCES', 'EPERM', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTSOCK'];

/** What a connection that could not be made, or broke, means. */
export function lossFailure(error: NodeJS.ErrnoException, { what, isMutating }: Asked, endpoint: Endpoint): Failure {
  const code = error.code ?? '';
  const where = `${endpoint.url} (${endpoint.saidBy})`;
  if (code === 'EACCES' || code === 'EPERM')
    return refusal('unauthorized', `cannot ${what}: this user may not use the engine at ${where}; add it to the socket’s group, or run the agent as its owner`);
  const isUnsent = neverConnected.includes(code);
  return runtimeFailure({
    code: 'engine-down',
    outcome: isUnsent || !isMutating ? 'no' : 'unknown',
    retryable: true,
    message: isUnsent ? `cannot ${what}: no engine answers at ${where}` : `cannot ${what}: the connection to the engine at ${where} broke`,
    cause: code === '' ? error.message : `${code}: ${error.message}`,
  });
}

/** `isSent`: whether the engine may have it. */
export function abortFailure({ what, isMutating }: Asked, isSent: boolean): Failure {
  return runtimeFailure({
    code: 'aborted',
    outcome: isSent && isMutating ? 'unknown' : 'no',
    retryable: true,
    message: `the engine had not answered when the attempt to ${what} was called off`,
  });
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? '';
}

/**
 * What fails after the first request of several was sent: a later one that was called off, or that found no engine, does not undo the first, so the
 * outcome of all is unknown.
 */
export async function begun<T>(rest: () => Promise<T>): Promise<T> {
  try {
    return await rest();
  } catch (error) {
    if (!isRuntimeFailure(error) || error.outcome !== 'no' || (error.code !== 'aborted' && error.code !== 'engine-down')) throw error;
    throw runtimeFailure({ ...failureData(error), outcome: 'unknown' });
  }
}
