import { findingsOf, namedBy, readHost, withRuntimes } from '../agent/host.ts';
import type { AgentVerbOptions } from '../agent/options.ts';
import { portFindings } from '../agent/ports.ts';
import { say, sayJson } from '../print.ts';

/** Checks host file, plugins and what this host can hold of it; touches nothing. 2 = not valid, 1 = valid, but refused on this host. */
export async function run(options: AgentVerbOptions): Promise<number> {
  const host = await readHost(options);
  const config = await host.config();
  const named = namedBy(host, config);
  return withRuntimes(
    host,
    async (runtimes, failures) => {
      const checked = await findingsOf(host, config, runtimes);
      const busy = await portFindings(
        host.core,
        host.given.paths.socket,
        checked.flatMap(({ worker, spec }) => (spec === null ? [] : [{ worker, ports: spec.ports }])),
      );
      const workers = checked.map(({ worker, runtime, findings }) => ({
        name: worker,
        runtime,
        findings: [...findings, ...busy.filter((one) => one.worker === worker).map(({ finding }) => finding)],
      }));
      const refused = workers.some(({ findings }) => findings.some(({ level }) => level === 'refused')) || failures.length > 0;
      if (options.json) {
        const left = Object.entries(config.left).map(([name, reason]) => ({ name, reason }));
        sayJson({
          version: 1,
          ok: !refused,
          hostFile: config.path,
          files: config.files,
          workers,
          left,
          plugins: failures,
          notes: runtimes.map(({ name, facts }) => ({ runtime: name, notes: facts?.notes ?? [] })),
          warnings: config.warnings,
        });
        return refused ? 1 : 0;
      }
      for (const { plugin, what, message } of failures) process.stderr.write(`plugin ${plugin} failed in ${what}: ${message}\n`);
      for (const { name, findings } of workers)
        for (const { level, field, text } of findings) {
          const place = config.workers[name]!.place(field === '' ? [] : field.split('.'));
          const line = `${place.file}:${place.line}:${place.column}: workers.${name}: ${text}`;
          if (level === 'refused') process.stderr.write(`${line}\n`);
          else if (!options.quiet) say(line);
        }
      const used = new Set(workers.map(({ runtime }) => runtime));
      if (!options.quiet) for (const { name, facts } of runtimes) for (const text of used.has(name) ? (facts?.notes ?? []) : []) say(`note: ${name}: ${text}`);
      if (!options.quiet) for (const warning of config.warnings) say(`note: ${warning}`);
      for (const [name, reason] of options.quiet ? [] : Object.entries(config.left)) say(`note: ${name} does not run here: ${reason}`);
      if (refused) process.stderr.write(`${config.path} is valid, but this host cannot run it as it is\n`);
      else say(`${config.path}: ${workers.length} worker${workers.length === 1 ? '' : 's'}, all well`);
      return refused ? 1 : 0;
    },
    named,
  );
}
