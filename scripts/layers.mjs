// Who may import whom: between the packages, and between the rooms of core. docs/architecture.md draws the same picture.
import { relative } from 'node:path';
import { packageSources } from './sources.mjs';

/** Package -> the packages of ours that its sources may import; type imports count too. */
export const packages = {
  sdk: [],
  process: ['sdk'],
  core: ['sdk'],
  'runtime-native': ['sdk', 'process'],
  'runtime-docker': ['sdk'],
  testkit: ['sdk', 'core', 'process'],
  cli: ['sdk', 'process', 'core', 'runtime-native', 'runtime-docker'],
};

/** Package -> packages that it may import for their types, and at run time only by `await import('…')`: a client verb must start without them. */
export const lazily = { cli: ['process', 'core', 'runtime-native', 'runtime-docker'] };

/** Room of core -> its layer. A room imports lower layers; of its own layer only what `beside` says. */
export const layers = {
  base: 0,
  spec: 1,
  plan: 1,
  'supervise/transition.ts': 1,
  'supervise/restart.ts': 1,
  'probe/verdict.ts': 1,
  store: 2,
  journal: 2,
  config: 2,
  plugin: 2,
  secret: 2,
  probe: 2,
  engine: 2,
  admit: 2,
  supervise: 3,
  rollout: 3,
  schedule: 3,
  expose: 3,
  alert: 3,
  sync: 3,
  reconcile: 4,
  api: 4,
  control: 5,
  'host-file.ts': 5,
  'runtimes.ts': 5,
  'hosting.ts': 5,
  'desired-file.ts': 5,
  'policing.ts': 5,
  'agent.ts': 5,
  'boot.ts': 5,
  'index.ts': 5,
  'early.ts': 5,
};
const beside = [
  ['journal', 'store'],
  ['plan', 'spec'],
  ['supervise/restart.ts', 'spec'],
  ['probe/verdict.ts', 'spec'],
  ['runtimes.ts', 'boot.ts'],
  ['control', 'hosting.ts'],
  ['control', 'policing.ts'],
  ['policing.ts', 'runtimes.ts'],
  ...['boot.ts', 'host-file.ts', 'hosting.ts', 'policing.ts', 'desired-file.ts', 'control'].map((room) => ['agent.ts', room]),
  ...['host-file.ts', 'control'].map((room) => ['desired-file.ts', room]),
  ...['boot.ts', 'runtimes.ts'].map((room) => ['hosting.ts', room]),
  ['index.ts', 'agent.ts'],
  ['api', 'reconcile'],
];

/** The room that a file of core belongs to. @param {string} file from core's src */
export function roomOf(file) {
  return file in layers ? file : file.split('/')[0];
}

/** Every import that goes where it may not, a line each. @param {string} root */
export function layerViolations(root) {
  return packageSources(root).flatMap((source) => [
    ...source.imports.flatMap((i) => packageViolation(source, i) ?? []),
    ...(source.package === 'core' ? roomViolations(source, root) : []),
  ]);
}

function packageViolation({ package: name, here }, { target, type, lazy }) {
  const to = target === 'ostler' ? 'cli' : /^@ostler\/([^/]+)/.exec(target)?.[1];
  if (to === undefined) return null;
  if (!(name in packages)) return `${here}: the package ${name} has no place in scripts/layers.mjs: say what it may import`;
  if (to === name || !packages[name].includes(to)) return `${here}: ${name} may not import ${target}`;
  if (lazily[name]?.includes(to) && !type && !lazy) return `${here}: ${name} may load ${target} only by "await import('${target}')"`;
  return null;
}

function roomViolations(source, root) {
  const from = roomOf(source.file);
  if (!(from in layers)) return [`${source.here}: the room ${from} has no layer: give it one in scripts/layers.mjs`];
  return source.imports.flatMap(({ path }) => {
    if (path === null) return [];
    const to = roomOf(relative(`${root}/packages/core/src`, path));
    const isFine = from === to || layers[to] < layers[from] || from.split('/')[0] === to.split('/')[0] || beside.some(([a, b]) => a === from && b === to);
    return isFine ? [] : [`${source.here}: ${from} (L${layers[from]}) may not import ${to} (L${layers[to] ?? '?'})`];
  });
}
