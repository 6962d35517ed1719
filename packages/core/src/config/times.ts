import { Cron } from 'croner';
import { cronFault } from '../base/cron-fault.ts';
import { nearest } from '../spec/index.ts';
import type { Faults } from './issues.ts';
import { type MapNode, type Node, nodeAt } from './node.ts';

/** The cron lines and the time zone of a worker: they can be read, and come at some time. */
export function checkTimes(worker: MapNode, prefix: string, faults: Faults): void {
  checkLine(nodeAt(worker, ['restart', 'at']), `${prefix}.restart.at`, faults);
  const schedule = nodeAt(worker, ['schedule']);
  if (!schedule) return;
  if (schedule.is !== 'map') {
    checkLine(schedule, `${prefix}.schedule`, faults);
    return;
  }
  const overlap = nodeAt(schedule, ['overlap']);
  if (overlap?.is === 'scalar' && overlap.value === 'allow')
    faults.invalid(
      `${prefix}.schedule.overlap: \`allow\` is not supported by this version of ostler, which runs one instance of a worker at a time`,
      overlap.at,
      'Write skip, queue or replace.',
    );
  checkZone(nodeAt(schedule, ['timezone']), `${prefix}.schedule.timezone`, faults);
  checkLine(nodeAt(schedule, ['cron']), `${prefix}.schedule`, faults);
}

function checkZone(node: Node | undefined, where: string, faults: Faults): void {
  if (node?.is !== 'scalar' || typeof node.value !== 'string') return;
  try {
    new Intl.DateTimeFormat('en', { timeZone: node.value });
  } catch {
    const near = nearest(node.value, Intl.supportedValuesOf('timeZone'));
    faults.invalid(`${where}: there is no time zone \`${node.value}\``, node.at, near ? `Did you mean \`${near}\`?` : 'Expected a name such as Europe/Berlin.');
  }
}

function checkLine(node: Node | undefined, where: string, faults: Faults): void {
  if (node?.is !== 'scalar' || typeof node.value !== 'string' || node.value === '') return;
  const shown = node.value.slice(0, 80);
  try {
    // Read by croner as one moment, after which the file would be refused.
    if (node.value.includes(':')) throw new Error('it is one moment');
    if (new Cron(node.value, { paused: true }).nextRun() === null) faults.invalid(`${where}: \`${shown}\` never comes`, node.at, 'Is the day in that month?');
  } catch (error) {
    faults.invalid(`${where}: \`${shown}\` is no cron line: ${cronFault(error)}`, node.at, 'Expected minute, hour, day, month and weekday: "0 3 * * *".');
  }
}
