import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { setThem } from '../fields.ts';
import { isRemote } from '../file/load.ts';
import type { Text } from '../file/text.ts';
import { type Out, record } from '../out.ts';
import { fromOutside } from './environment.ts';
import type { Service } from './service.ts';

const notBuilt: Readonly<Record<string, string>> = {
  additional_contexts: 'an image is built from one folder',
  cache_from: 'the engine’s own build cache is used',
  cache_to: 'the engine’s own build cache is used',
  entitlements: 'a build has no privileges',
  extra_hosts: 'a build has no names of its own',
  isolation: 'it is for Windows containers',
  labels: 'labels of an image are written in its Dockerfile',
  network: 'a build has the engine’s network',
  no_cache: 'the engine’s own build cache is used',
  platforms: 'an image is built for this host; `container: { platform }` names another',
  privileged: 'a build has no privileges',
  provenance: 'builds are not attested',
  pull: 'a base image is pulled where it is missing',
  sbom: 'builds are not attested',
  secrets: 'a build has no secrets',
  shm_size: 'a build has the engine’s own size',
  ssh: 'a build has no keys',
  tags: 'an image is named by ostler',
  ulimits: 'a build has the engine’s own limits',
};

/** `image`, `build` and `pull_policy`. */
export function writeImage(service: Service): void {
  const { fields } = service;
  const image = fields.text('image');
  const hasImage = image !== null && image.now !== '';
  const build = fields.has('build') ? buildOf(service, hasImage) : null;
  if (build !== null) {
    service.write('build', build);
    if (hasImage) fields.left('image', 'it is built here, and what is built is named by ostler');
  } else if (hasImage) service.write('image', image);
  else if (fields.has('provider')) service.impossible = 'what a provider runs is no container';
  else if (!fields.has('build')) fields.bad(image === null ? '' : 'image', 'it has neither `image` nor `build`', setThem(image));
  writePull(service);
}

/** null: it cannot be built here. */
function buildOf(service: Service, hasImage: boolean): Out | null {
  const { fields, project } = service;
  const build = fields.map('build');
  if (build === null) return null;
  build.only(['context', 'dockerfile', 'dockerfile_inline', 'target', 'args', ...Object.keys(notBuilt)]);
  const context = build.scalar('context');
  if (context?.text == null || context.text.now === '') {
    build.bad('', 'expected `context`, the folder to build from');
    return null;
  }
  const { now } = context.text;
  if (isRemote(now) || /^[\w.-]+\.[a-z]+\/.*\.git/.test(now)) {
    const why = 'only folders of this host can be built from: check it out beside the host file';
    if (hasImage) build.left('context', `${why}; its image is run`);
    else service.impossible = why;
    return null;
  }
  const folder = project.absolute(context.text, context.base);
  if (!existsSync(folder)) {
    if (hasImage) {
      build.left('', `${now} is not there, so its image is run`);
      return null;
    }
    build.differs('context', `${now} is not there; \`ostler check\` asks for it`);
  }
  if (build.has('dockerfile_inline')) {
    const why = 'its Dockerfile stands in the Compose file: write it into a file beside `context`';
    if (hasImage) build.left('dockerfile_inline', `${why}; its image is run`);
    else service.impossible = why;
    return null;
  }
  for (const [key, why] of Object.entries(notBuilt)) if (build.has(key)) build.left(key, why);
  const args = build.pairs('args').flatMap(({ name, text, at }): readonly (readonly [string, Text])[] => {
    const value = text ?? fromOutside(name, service, at, 'build.args');
    return value === null ? [] : [[name, value]];
  });
  const dockerfile = build.text('dockerfile');
  const isInside = dockerfile === null || !dockerfile.now.startsWith('/') || dockerfile.now.startsWith(resolve(folder));
  if (!isInside) build.differs('dockerfile', 'a Dockerfile outside of `context`');
  const path = project.path(context.text, context.base);
  const more = record({ dockerfile: dockerfile?.now === 'Dockerfile' ? null : dockerfile, target: build.text('target'), args: new Map(args) });
  return more.size === 0 ? path : new Map<string, Out>([['context', path], ...more]);
}

function writePull(service: Service): void {
  const { fields } = service;
  const policy = fields.now('pull_policy');
  if (policy === null || policy === '' || policy === 'missing' || policy === 'if_not_present' || policy === 'build') return;
  if (policy === 'always' || policy === 'never') service.write('pull', policy);
  else if (/^(refresh|daily|weekly|every_\w+)$/.test(policy)) fields.left('pull_policy', 'an image is pulled when a change is applied, not by its age');
  else fields.bad('pull_policy', `expected always, missing or never; found \`${policy.slice(0, 40)}\``);
}
