import { accessSync, constants } from 'node:fs';
import { type Call, type InstanceRef, type Listed, type Observed, type RuntimeDriver, runtimeFailure, type Target, type Usage } from '@ostler/sdk';
import { readProcessTable } from '../identity/process-table.ts';
import { type InstanceDirectory, instancePath, instancePaths, listInstances, openInstance, sweepInstances } from '../instance/directory.ts';
import { readNotified } from '../instance/notify-record.ts';
import { OpenInstances } from '../instance/open-instances.ts';
import { writeSecretFiles } from '../launch/secret-files.ts';
import { readLogs } from '../log/read.ts';
import { trimSegments } from '../log/segment.ts';
import { signalWorker } from '../tree/kill.ts';
import { artifactOf } from './artifact.ts';
import { checkProcess } from './check.ts';
import { execInside } from './exec.ts';
import { factsOf } from './facts.ts';
import { thisHost } from './host.ts';
import { Leavings } from './leavings.ts';
import { shareMs } from './memory.ts';
import { glance, instanceOf, listed, observe } from './observe.ts';
import { commandSpec, type ProcessDriverOptions } from './options.ts';
import { preflight } from './preflight.ts';
import { accountOf, startInstance } from './start.ts';
import { usageOf } from './stats.ts';
import { removeEnded, signalOf, stopInstance } from './stop.ts';
import { Lifelines } from './watch.ts';

type ProcessDriver<Options> = RuntimeDriver<Options> & Required<Pick<RuntimeDriver<Options>, 'signal' | 'exec' | 'stats' | 'deliver' | 'notified'>>;

/** A runtime of "another argv": all that a native worker has, for a command that you make from its spec. */
export function processDriver<Options = unknown>(options: ProcessDriverOptions<Options>): ProcessDriver<Options> {
  const { name, folders } = options;
  const { state } = folders;
  const host = thisHost(state, options.holder);
  const { holders } = host;
  const lifelines = new Lifelines((instance) => holders.of(instance.spec).takeOver?.({ dir: instance.path, spec: instance.spec }));
  const leavings = new Leavings(options.log);
  let isSwept = false;
  const starting = new Map<string, Promise<Observed>>();
  const directories = new OpenInstances();
  const find = ({ ref }: Target): InstanceDirectory | null => instanceOf(instancePath(state, ref), ref, directories.open);
  const demand = (target: Target): InstanceDirectory => {
    const instance = find(target);
    if (instance !== null) return instance;
    throw runtimeFailure({
      code: 'not-found',
      outcome: 'no',
      retryable: false,
      message: `there is no instance ${target.ref.instance} of ${target.ref.worker}`,
    });
  };
  const keepHouse = ({ path, spec }: InstanceDirectory) => {
    if (spec.segments === 'raw') trimSegments(path, spec.segmentFiles);
  };

  const startOnce = async (ref: InstanceRef, run: Parameters<ProcessDriver<Options>['start']>[1], call: Call): Promise<Observed> => {
    await leavings.clearOf(state, ref.agent, ref.worker, call, ref);
    const found = await startInstance(options, host, ref, run, call);
    leavings.saw(demand({ ref, handle: null }), found);
    if (found.is === 'running') lifelines.attach(demand({ ref, handle: null }));
    return found;
  };

  return {
    restarts: 'agent',
    async ping() {
      accessSync(state, constants.R_OK | constants.W_OK | constants.X_OK);
    },
    facts: async (call) => factsOf(name, state, host, await holders.open(), (await options.facts?.(call)) ?? {}),
    check: (spec, facts) => [
      ...checkProcess(spec, facts, host.tools(), name, options.honours ?? [], holders.opened?.main.name ?? 'compiled'),
      ...(options.check?.(spec) ?? []),
    ],
    async resolve(spec, call) {
      await preflight(options, spec);
      return artifactOf(options.inputs?.(commandSpec(spec)) ?? [], spec.baseDir, call.signal);
    },
    prepare: ({ spec }, call) => leavings.clearUnderWay(spec.name, call),
    start(ref, run, call) {
      // Two at once are one: both get the first one's answer.
      const path = instancePath(state, ref);
      const going = starting.get(path) ?? startOnce(ref, run, call).finally(() => starting.delete(path));
      starting.set(path, going);
      return going;
    },
    async inspect(target, call) {
      const engine = host.store();
      const instance = find(target);
      if (instance === null) return { is: 'gone', engine };
      keepHouse(instance);
      const found = await observe(instance, engine, call);
      leavings.saw(instance, found);
      if (found.is === 'running') lifelines.attach(instance);
      else lifelines.distrust(instance.path);
      return found;
    },
    async list(agent) {
      const engine = host.store();
      await holders.open();
      const isFirst = !isSwept;
      if (isFirst) sweepInstances(state, agent);
      isSwept = true;
      const instances = instancePaths(state, agent).flatMap((path): readonly Listed[] => {
        const seen = lifelines.listed(path);
        if (seen !== null) return [seen];
        const instance = openInstance(path);
        if (instance === null) return [];
        keepHouse(instance);
        const found = listed(instance);
        // Its agent may have died before it was ended.
        if (isFirst && found.is === 'exited') leavings.passed(instance);
        return [found];
      });
      return { engine, instances };
    },
    async *watch(agent, signal) {
      for (const instance of listInstances(state, agent)) if (glance(instance).is === 'running') lifelines.attach(instance);
      yield* lifelines.watch(signal);
    },
    async stop(target, how, call) {
      const instance = find(target);
      if (instance === null) return { is: 'gone', engine: host.store() };
      const found = await leavings.during(instance, stopInstance(instance, host.store(), how, call));
      lifelines.distrust(instance.path);
      leavings.saw(instance, found);
      return found;
    },
    async cleared(agent, workers, call) {
      await Promise.all(workers.map((worker) => leavings.clearOf(state, agent, worker, call)));
    },
    async remove(target, call) {
      const instance = find(target);
      if (instance === null) return;
      await removeEnded(instance, () => leavings.clear(instance, call), call);
      lifelines.detach(instance.path);
      directories.forget(instance.path);
    },
    async *logs(target, from, follow, call) {
      const instance = demand(target);
      const isRunning = () => ['starting', 'running', 'ending'].includes(glance(instance).is);
      yield* readLogs(instance, from, follow, { isRunning, onChange: (listener) => lifelines.onChange(target.ref, listener) }, call);
    },
    async signal(target, signal) {
      const instance = demand(target);
      if (!signalWorker(instance, signalOf(signal)))
        throw runtimeFailure({ code: 'not-running', outcome: 'no', retryable: false, message: `${target.ref.worker} is not running, so it got no signal` });
    },
    exec: async (target, argv, io, call) => execInside(demand(target), host.tools(), argv, io, call),
    async stats(targets) {
      let known: ReturnType<typeof readProcessTable> | undefined;
      const table = () => {
        known ??= readProcessTable();
        return known;
      };
      const shareUntilMs = performance.now() + shareMs;
      const usages: (Usage | null)[] = [];
      for (const target of targets) {
        const instance = find(target);
        usages.push(instance !== null && glance(instance).is === 'running' ? await usageOf(instance, table, shareUntilMs) : null);
      }
      return usages;
    },
    async deliver(target, secrets) {
      const { spec, path } = demand(target);
      if (glance({ spec, path }).is !== 'running' || spec.secretsDir === null)
        throw runtimeFailure({
          code: 'not-running',
          outcome: 'no',
          retryable: false,
          message: `${target.ref.worker} does not run with secret files, so none can be replaced`,
        });
      writeSecretFiles(spec.secretsDir, secrets.files, await accountOf(spec.user, []));
    },
    async notified(target) {
      return readNotified(demand(target).path);
    },
    async close() {
      lifelines.close();
      leavings.close();
      await holders.close();
    },
  };
}
