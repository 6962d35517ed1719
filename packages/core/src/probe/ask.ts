import { callWithDeadline } from '../base/call.ts';
import type { StuckCalls } from '../base/stuck-calls.ts';
import type { InPlugin } from '../base/watchdog.ts';
import type { coreProbes, ProbeRule } from '../spec/index.ts';
import { prepareExec } from './exec.ts';
import { faultText } from './fault.ts';
import { prepareFile } from './file.ts';
import { prepareGrpc } from './grpc.ts';
import { prepareHttp } from './http.ts';
import { prepareLog } from './log.ts';
import { prepareNotify } from './notify.ts';
import { inShort, type Prepare, type PreparedProbe, type ProbeAnswer, type ProbeScene, type ProvidedProbe, reach } from './prepared.ts';
import { prepareTcp } from './tcp.ts';

/** Each kind that core knows; `null` = not in this version, unless a plugin brings it; of `image` the engine tells by itself. */
const kinds: Readonly<Record<keyof typeof coreProbes, Prepare | null>> = {
  http: prepareHttp,
  tcp: prepareTcp,
  exec: prepareExec,
  grpc: prepareGrpc,
  log: prepareLog,
  file: prepareFile,
  notify: prepareNotify,
  image: null,
  mcp: null,
  generate: null,
};

export interface AskGiven extends ProbeScene {
  readonly worker: string;
  /** From the question to the answer. */
  readonly timeoutMs: number;
  /** By kind. */
  readonly probes: ReadonlyMap<string, ProvidedProbe>;
  readonly inPlugin: InPlugin;
  readonly stuck: StuckCalls;
  /** Rules whose question still hangs: not asked again before it ends. Kept by this function; one set for each instance, whoever probes it. */
  readonly hanging: Set<ProbeRule>;
  readonly signal?: AbortSignal | undefined;
}

/** Asks once. Never rejects: whatever goes wrong is an answer that is not ok, with the reason as its evidence. */
export async function askProbe(rule: ProbeRule, given: AskGiven): Promise<ProbeAnswer> {
  let what = `the ${rule.kind} probe`;
  try {
    const prepared = prepare(rule, given);
    what = prepared.what;
    if (given.hanging.has(rule)) return { ok: false, evidence: `${what}: ${prepared.unended ?? 'the question before still hangs'}` };
    const { ok, evidence } = await ask(rule, prepared, given);
    return { ok, evidence };
  } catch (error) {
    return { ok: false, evidence: `${what}: ${faultText(error)}` };
  }
}

async function ask(rule: ProbeRule, prepared: PreparedProbe, given: AskGiven): Promise<ProbeAnswer> {
  const { clock, stuck, hanging, signal, worker } = given;
  const timeoutMs = Math.min(given.timeoutMs, prepared.mostMs ?? given.timeoutMs);
  const name = `${rule.kind} probe of ${worker}`;
  let deadline: AbortSignal | null = null;
  let stage = '';
  const onProgress = (note: string): void => {
    stage = note;
  };
  try {
    return await callWithDeadline({ name, plugin: prepared.plugin, ms: timeoutMs, clock, isMutating: false, stuck, signal, onProgress }, async (call) => {
      deadline = call.signal;
      hanging.add(rule);
      try {
        const answer = await prepared.ask(call);
        // An answer after the deadline is none.
        call.signal.throwIfAborted();
        return answer;
      } finally {
        hanging.delete(rule);
      }
    });
  } catch (error) {
    // Not a timeout within what was asked, which has words of its own.
    const isLate = (deadline as AbortSignal | null)?.aborted === true && signal?.aborted !== true;
    throw isLate ? new Error(`no answer within ${timeoutMs} ms${stage === '' ? '' : `: ${inShort(stage)}`}`) : error;
  }
}

function prepare({ kind, options }: ProbeRule, given: AskGiven): PreparedProbe {
  const own = Object.hasOwn(kinds, kind) ? kinds[kind as keyof typeof kinds] : null;
  if (own !== null) return own(options, given);
  const provided = given.probes.get(kind);
  if (provided === undefined) throw new Error(Object.hasOwn(kinds, kind) ? 'this version cannot ask it' : 'no loaded plugin brings it');
  return prepareProvided(kind, options, provided, given);
}

/** The plugin is given the port that the options name, else the worker's first; port 0 where it has none. */
function prepareProvided(kind: string, options: unknown, { plugin, probe }: ProvidedProbe, { endpoints, inPlugin }: AskGiven): PreparedProbe {
  const named = (options as { readonly port?: unknown } | null | undefined)?.port;
  const port = typeof named === 'number' ? named : (endpoints[0]?.port ?? 0);
  const what = `the ${kind} probe`;
  return {
    what,
    plugin,
    ask: async (call) => {
      const answer: Partial<ProbeAnswer> | undefined = await inPlugin(plugin, () => probe.ask(reach(port, endpoints), options, call));
      if (typeof answer?.ok !== 'boolean') throw new Error(`the plugin ${plugin} answered without \`ok\``);
      const evidence = typeof answer.evidence === 'string' ? inShort(answer.evidence) : '';
      return { ok: answer.ok, evidence: evidence || `${what} ${answer.ok ? 'is good' : 'failed'}` };
    },
  };
}
