import type { StopRule } from '@ostler/sdk';
import type { RuntimeAccess } from './services.ts';
import type { Subject } from './subject.ts';

/** How the present instance is stopped: as its own generation says; where that is not known any more, as the present one does, unless that is of another runtime. */
export function stopRule(of: Subject, { name, class: kind }: RuntimeAccess): StopRule {
  const present = of.generation()?.runtime === name ? of.normal() : null;
  const known = of.normal(of.generation(of.life.instanceGeneration)) ?? present;
  return known?.rules.stop ?? { signal: kind === 'process' ? 'SIGTERM' : null, graceMs: 10_000 };
}
