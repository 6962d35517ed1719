import type { Listed, Observed, WorkerSpec } from '@ostler/sdk';
import type { ContainerJson, ImageJson, ListedJson } from '../engine/json.ts';
import { refusal } from '../errors.ts';
import type { Flavour } from '../flavour.ts';

type Opinion = Pick<Observed & { readonly is: 'running' }, 'health' | 'lastCheck'>;

/** As `POST /containers/create` takes it: times in ns; what is left out is the image's. */
export interface Healthcheck {
  readonly Test?: readonly string[];
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
  readonly Retries?: number;
}

const outputBytes = 4096;
const nsPerMs = 1e6;

/**
 * What a container is made with for the check of its image; `{}` = nothing. Podman runs such checks by timers of systemd, and where there is none never,
 * without a word: it is left alone, and not asked. Throws `invalid` where the worker asks for a check that the image has not.
 */
export function healthcheckOf({ name, imageHealth }: WorkerSpec, image: ImageJson, flavour: Flavour): { readonly Healthcheck?: Healthcheck } {
  if (flavour === 'podman') return {};
  if (!hasCheck(image)) {
    if (imageHealth?.isAsked !== true) return {};
    throw refusal('invalid', `${name} cannot start: it asks for health.image, and its image has no check (HEALTHCHECK); use another probe`);
  }
  if (imageHealth === null) return { Healthcheck: { Test: ['NONE'] } };
  const { intervalMs, timeoutMs, startPeriodMs, startIntervalMs, retries } = imageHealth;
  const times = { Interval: intervalMs, Timeout: timeoutMs, StartPeriod: startPeriodMs, StartInterval: startIntervalMs };
  const written: Healthcheck = {
    ...Object.fromEntries(Object.entries(times).flatMap(([key, ms]) => (ms === null ? [] : [[key, ms * nsPerMs]]))),
    ...(retries === null ? {} : { Retries: retries }),
  };
  return Object.keys(written).length === 0 ? {} : { Healthcheck: written };
}

function hasCheck({ Config }: ImageJson): boolean {
  const [kind = 'NONE'] = Config?.Healthcheck?.Test ?? [];
  return kind !== 'NONE';
}

/** What the engine says of the health of what runs; `{}` = nothing. */
export function opinionOf({ State }: ContainerJson, flavour: Flavour): Opinion {
  const health = State.Health?.Status;
  if (flavour === 'podman' || (health !== 'starting' && health !== 'healthy' && health !== 'unhealthy')) return {};
  const last = State.Health?.Log?.at(-1);
  if (last === undefined) return { health };
  // -1: it could not be run, or took too long; the engine says so in place of the output.
  const code = last.ExitCode < 0 ? null : last.ExitCode;
  const output = Buffer.from(last.Output).subarray(-outputBytes).toString('utf8');
  return { health, lastCheck: { failures: State.Health?.FailingStreak ?? 0, code, output } };
}

/** The same, as a list tells it: in its text for people alone. */
export function listedHealthOf({ Status = '' }: ListedJson, flavour: Flavour): Pick<Listed, 'health'> {
  const health = flavour === 'podman' ? undefined : /\((?:health: )?(starting|healthy|unhealthy)\)$/.exec(Status)?.[1];
  return health === undefined ? {} : { health: health as NonNullable<Listed['health']> };
}
