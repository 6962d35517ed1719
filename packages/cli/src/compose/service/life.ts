import { signalNumber } from '../../signal.ts';
import { type Out, record } from '../out.ts';
import { durationText } from '../quantity.ts';
import type { Service } from './service.ts';

/** Whether, when and for how long it runs. */
export function writeLife(service: Service): void {
  const { fields } = service;
  if (service.isJob) service.write('kind', 'job');
  service.write('restart', restartOf(service));
  const profiles = fields.texts('profiles').map(({ text }) => text);
  service.write('profiles', profiles);
  writeDependencies(service);
  writeStop(service);
  writeReplicas(service);
}

/** A service of ostler is always restarted; one of Compose only if it says so. */
function restartOf(service: Service): Out | null {
  const { fields } = service;
  const written = fields.now('restart') ?? swarmPolicy(service);
  const [policy = '', tries] = written.split(':');
  const isJob = service.isJob;
  if (policy === 'always' || policy === 'unless-stopped') {
    if (!isJob) return null;
    fields.differs('restart', 'others wait until it is done, so it is a job, and is run again when it fails only');
    return null;
  }
  if (policy === 'on-failure') {
    const most = tries === undefined ? 0 : Number(tries);
    if (!Number.isInteger(most) || most < 0) fields.bad('restart', `expected a number after \`on-failure:\`; found \`${tries}\``);
    if (most > 0) return record({ policy: 'on-failure', giveUp: most });
    return isJob ? record({ policy: 'on-failure', giveUp: false }) : 'on-failure';
  }
  if (policy !== '' && policy !== 'no' && policy !== 'false') {
    fields.bad('restart', `expected no, always, on-failure or unless-stopped; found \`${written.slice(0, 40)}\``);
    return null;
  }
  if (!isJob)
    fields.differs(
      'restart',
      'without a restart policy Compose leaves ended what has ended, so it is `restart: never` here; take that away, and ostler keeps it running',
    );
  return 'never';
}

/** What Compose takes from `deploy` where there is no `restart`. */
function swarmPolicy({ fields }: Service): string {
  const policy = fields.map('deploy')?.map('restart_policy') ?? null;
  if (policy === null) return '';
  policy.only(['condition', 'delay', 'max_attempts', 'window']);
  for (const key of ['delay', 'window'])
    if (policy.has(key)) policy.left(key, 'Compose takes no notice of it; `restart: { backoff, resetAfter }` says it in a host file');
  const condition = policy.now('condition') ?? 'any';
  const attempts = policy.number('max_attempts');
  if (condition === 'on-failure') return attempts === null ? condition : `${condition}:${attempts}`;
  return condition === 'none' ? 'no' : condition === 'any' ? 'always' : condition;
}

const states: Readonly<Record<string, string>> = { service_started: 'started', service_healthy: 'healthy', service_completed_successfully: 'completed' };

function writeDependencies(service: Service): void {
  const { fields, project } = service;
  const needs = fields.map('depends_on');
  const written = new Map<string, Out>();
  for (const name of needs?.names ?? []) {
    const need = needs!.map(name);
    const worker = project.workers.get(name);
    if (worker === undefined) {
      if (need?.flag('required') === false) needs!.left(name, 'the file has no such service');
      else
        needs!.bad(
          name,
          `there is no service \`${name}\``,
          project.troubles.meant(
            name,
            [...project.group('services').keys()].filter((one) => one !== service.name),
            'other services',
          ),
        );
      continue;
    }
    need?.only(['condition', 'restart', 'required']);
    const condition = need?.now('condition') ?? 'service_started';
    const is = states[condition];
    if (is === undefined) {
      need?.bad('condition', `expected ${Object.keys(states).join(', ')}; found \`${condition.slice(0, 40)}\``);
      continue;
    }
    const optional = need?.flag('required') === false || isOnlyInProfiles(name, service);
    const more = record({ optional: optional ? true : null, restartWithIt: need?.flag('restart') ? true : null });
    written.set(worker, more.size === 0 ? is : new Map<string, Out>([['is', is], ...more]));
  }
  for (const { text } of fields.texts('links')) {
    const worker = project.workers.get(text.now.split(':')[0]!);
    if (worker !== undefined && worker !== service.worker && !written.has(worker)) written.set(worker, 'started');
  }
  service.write('dependsOn', written);
}

/** Whether it is left out where this service runs. */
function isOnlyInProfiles(name: string, service: Service): boolean {
  const of = (one: string): readonly string[] =>
    service.project
      .fields('services', one)
      ?.texts('profiles')
      .map(({ text }) => text.now) ?? [];
  const [theirs, own] = [of(name), of(service.name)];
  return theirs.length > 0 && !(own.length > 0 && own.every((profile) => theirs.includes(profile)));
}

const signals: Readonly<Record<string, string>> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  6: 'SIGABRT',
  9: 'SIGKILL',
  10: 'SIGUSR1',
  12: 'SIGUSR2',
  15: 'SIGTERM',
  28: 'SIGWINCH',
};
const known =
  'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO SYS'.split(' ');

function writeStop(service: Service): void {
  const { fields } = service;
  const written = fields.now('stop_signal');
  const graceMs = fields.duration('stop_grace_period');
  const named = written === null ? null : (signals[written] ?? `SIG${written.toUpperCase().replace(/^SIG/, '')}`);
  const isKnown = named !== null && (known.includes(named.slice(3)) || (/^SIGRT/.test(named) && signalNumber(named) !== null));
  if (named !== null && !isKnown) fields.left('stop_signal', `a host file knows no ${named}; the worker gets the signal that its image names, else SIGTERM`);
  service.write('stop', record({ signal: isKnown ? named : null, grace: graceMs === null || graceMs === 10_000 ? null : durationText(graceMs) }));
}

/** `scale`, `deploy.replicas` and what of `deploy` is for Swarm alone. */
function writeReplicas(service: Service): void {
  const { fields } = service;
  const deploy = fields.map('deploy');
  const swarm = ['endpoint_mode', 'labels', 'mode', 'placement', 'rollback_config', 'update_config'];
  deploy?.only(['replicas', 'resources', 'restart_policy', ...swarm]);
  for (const key of swarm) if (deploy?.has(key)) deploy.left(key, 'it is for Swarm; Compose takes no notice of it');
  deploy?.map('resources')?.only(['limits', 'reservations']);
  const count = fields.number('scale') ?? deploy?.number('replicas') ?? null;
  const [of, field] = fields.has('scale') ? [fields, 'scale'] : [deploy ?? fields, 'replicas'];
  if (count === 0) {
    service.write('enabled', false);
    of.differs(field, 'none of it shall run: `enabled: false`');
  } else if (count !== null && count > 1) of.left(field, 'one host runs one of each; for more, write workers of other names');
}
