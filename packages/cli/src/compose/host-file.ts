import { existsSync } from 'node:fs';
import { networksOf } from './networks.ts';
import { isOutMap, type Out, type OutMap, record, textsIn } from './out.ts';
import { type Project, shortPath } from './project.ts';
import { writeMountsFrom } from './service/mounts.ts';
import { fitNetworkModes, writeNetworks } from './service/network.ts';
import { Service } from './service/service.ts';
import { writeService } from './service/write-service.ts';
import { variablesOf } from './variables.ts';
import type { Verify } from './verify.ts';
import { volumesOf } from './volumes.ts';

/** The host file of a project, part by part in the order in which it is written. What is wrong is told to the project's troubles. */
export async function hostFileOf(project: Project, verify: Verify): Promise<OutMap> {
  const all = new Map<string, Service>();
  for (const name of project.group('services').keys()) {
    const service = new Service(name, project.fields('services', name)!, project);
    await writeService(service);
    all.set(name, service);
  }
  for (const service of all.values()) writeMountsFrom(service, all);
  fitNetworkModes(all);
  tellCircles(project, all);
  const services = withoutImpossible(all);
  const used = writeNetworks(services);
  const volumes = volumesOf(project);
  const networks = networksOf(project, used);
  for (const group of ['secrets', 'configs']) for (const name of project.group(group).keys()) project.fields(group, name);
  project.troubles.throwIfAny();
  tellMissingFolders(project);
  const workers = new Map<string, Out>(services.map((service) => [service.worker, verify(service)] as const));
  project.troubles.throwIfAny();
  const texts = [...workers.values(), volumes, networks].flatMap(textsIn);
  const { vars, varsFiles } = variablesOf(texts, project);
  return new Map<string, Out>([
    ['ostler', 1],
    ...record({
      varsFiles: varsFiles.length === 1 ? varsFiles[0] : varsFiles,
      vars,
      policy: policyOf(project),
      volumes,
      networks,
      defaults: defaultsOf(services, project),
    }),
    ['workers', workers],
  ]);
}

/** Compose's own defaults where ostler has others. */
function defaultsOf(services: readonly Service[], project: Project): OutMap {
  const compose = record({ init: false, noNewPrivileges: false, health: record({ onUnhealthy: 'report' }) });
  const isThere = (isJob: boolean) => services.some((service) => service.isJob === isJob);
  project.given.notes.differs({
    ...{ field: 'defaults', at: project.given.root.at },
    text: 'ostler gives containers an init and no new privileges, and restarts unhealthy ones; Compose does none of it, so `defaults` turns it off: take out what may be as ostler has it',
  });
  return record({ service: isThere(false) ? compose : null, job: isThere(true) ? compose : null });
}

function policyOf(project: Project): OutMap {
  const { permissions } = project;
  const names = {
    privileged: 'privileged containers',
    hostNamespaces: 'namespaces of the host',
    engineSocket: 'the engine’s socket',
    wholeHost: 'the host’s whole file system',
  } as const;
  const asked = [...permissions].map((one) => names[one]);
  if (asked.length > 0)
    project.given.notes.differs({
      field: 'policy',
      at: project.given.root.at,
      text: `workers here get ${asked.join(', ')}, which \`policy\` allows: look at it once more`,
    });
  const allows = (one: keyof typeof names): true | null => (permissions.has(one) ? true : null);
  return record({
    ...{ privileged: allows('privileged'), hostNamespaces: allows('hostNamespaces'), engineSocket: allows('engineSocket') ?? allows('wholeHost') },
    mountRoots: permissions.has('wholeHost') ? ['/'] : null,
  });
}

/** Docker makes a folder that a short volume names; ostler does not. */
function tellMissingFolders(project: Project): void {
  const missing = [...project.mounted].filter(([path]) => !existsSync(path));
  const first = missing[0];
  if (first === undefined) return;
  const shown = missing.slice(0, 20).map(([path]) => shortPath(project.given.outFolder, path));
  const rest = missing.length > shown.length ? ` and ${missing.length - shown.length} more` : '';
  project.given.notes.differs({ field: 'volumes', at: first[1], text: `what is mounted must be there, and is not yet: ${shown.join(', ')}${rest}` });
}

/** Services that cannot be workers are left out, and nobody waits for them. */
function withoutImpossible(all: ReadonlyMap<string, Service>): readonly Service[] {
  const gone = [...all.values()].filter(({ impossible }) => impossible !== null);
  for (const service of gone) service.fields.left('', `the whole service is left out: ${service.impossible}`);
  const names = new Set(gone.map(({ worker }) => worker));
  const rest = [...all.values()].filter(({ impossible }) => impossible === null);
  for (const service of rest) {
    const needs = service.get('dependsOn');
    if (!isOutMap(needs) || ![...needs.keys()].some((name) => names.has(name))) continue;
    service.drop('dependsOn');
    service.write('dependsOn', new Map([...needs].filter(([name]) => !names.has(name))));
    service.fields.left('depends_on', 'what is left out is not waited for');
  }
  return rest;
}

function tellCircles(project: Project, all: ReadonlyMap<string, Service>): void {
  const needs = new Map([...all.values()].map((service) => [service.worker, keysOf(service.get('dependsOn'))] as const));
  const done = new Set<string>();
  for (const service of all.values()) {
    const trail: { readonly name: string; readonly rest: string[] }[] = [{ name: service.worker, rest: [...(needs.get(service.worker) ?? [])] }];
    while (trail.length > 0) {
      const next = trail.at(-1)!.rest.shift();
      if (next === undefined) {
        done.add(trail.pop()!.name);
        continue;
      }
      const at = trail.findIndex(({ name }) => name === next);
      if (at >= 0) {
        const circle = [...trail.slice(at).map(({ name }) => name), next];
        const first = [...all.values()].find(({ worker }) => worker === next)!;
        project.troubles.add(`\`depends_on\` goes in a circle: ${circle.join(' -> ')}`, first.fields.at('depends_on'), 'Remove one of them.');
      } else if (!done.has(next)) trail.push({ name: next, rest: [...(needs.get(next) ?? [])] });
    }
  }
}

const keysOf = (out: Out | undefined): readonly string[] => (isOutMap(out) ? [...out.keys()] : []);
