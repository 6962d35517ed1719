import type { Registry } from '@ostler/core';
import type { loadCore } from '../agent/options.ts';
import { jsonOf, type OutMap, withoutPath } from './out.ts';
import type { Service } from './service/service.ts';

export type Verify = (service: Service) => OutMap;
type Core = Awaited<ReturnType<typeof loadCore>>['core'];

/** Without these a worker is not the one that was meant. */
const needed: readonly PropertyKey[] = ['image', 'build', 'command', 'entrypoint'];

/**
 * Reads each worker by the grammar of the host file, so that what is written is valid: a value that a host file does not take is left out and told, one
 * that the worker cannot do without is an error.
 */
export function verifier(core: Core, registry: Registry): Verify {
  return (service) => {
    const { runtime } = service.project.given;
    let written: OutMap = service.written;
    // Each round takes something away.
    for (let round = 0; round < 1000; round += 1) {
      const read = core.readWorker(jsonOf(written), { name: service.worker, runtime, baseDir: '/', registry });
      const issue = read.ok ? undefined : read.issues[0];
      if (issue === undefined) return written;
      const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
      const where = path.join('.');
      const [field] = path;
      if (field === undefined || needed.includes(field)) {
        service.fields.bad(
          field === 'command' || field === 'entrypoint' || field === 'image' ? field : '',
          `it cannot be written in a host file: ${issue.message}`,
        );
        return written;
      }
      service.fields.left('', `\`${where}\` cannot be written as it stands: ${issue.message}`);
      const smaller = withoutPath(written, path);
      written = smaller.size < written.size || JSON.stringify(jsonOf(smaller)) !== JSON.stringify(jsonOf(written)) ? smaller : withoutPath(written, [field]);
    }
    throw new Error(`worker ${service.worker} does not come to fit the grammar`);
  };
}
