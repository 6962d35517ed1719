import type { PlanDocument, PlanStep } from '@ostler/core';
import type { Colour, Paint } from './table/colour.ts';
import { printable } from './table/fit.ts';

const marks: Readonly<Record<PlanStep['kind'], { readonly sign: string; readonly colour: Colour; readonly verb: string }>> = {
  add: { sign: '+', colour: 'green', verb: 'add' },
  change: { sign: '~', colour: 'yellow', verb: 'change' },
  remove: { sign: '-', colour: 'red', verb: 'remove' },
  keep: { sign: '=', colour: 'dim', verb: 'keep' },
};

export const hasChanges = ({ steps }: PlanDocument): boolean => steps.some(({ kind }) => kind !== 'keep');
export const isRefused = ({ steps }: PlanDocument): boolean => steps.some(({ refused }) => refused.length > 0);

/** A plan as lines: each step with what changes, then what it adds up to. A worker that is kept is named only where there is more to say of it. */
export function planText(plan: PlanDocument, paint: Paint): string[] {
  const told = plan.steps.filter(({ kind, refused, unenforced }) => kind !== 'keep' || refused.length > 0 || unenforced.length > 0);
  const lines = told.flatMap((step) => stepText(step, paint));
  for (const warning of plan.warnings) lines.push(paint(`warning: ${printable(warning)}`, 'yellow'));
  if (lines.length > 0) lines.push('');
  lines.push(sumText(plan));
  if (isRefused(plan)) lines.push(paint('It cannot be applied: see what is refused above.', 'red'));
  else if (plan.needsAllowRemove) lines.push(paint('It removes every worker or more than half: `ostler apply` needs --allow-remove.', 'yellow'));
  return lines;
}

function stepText(step: PlanStep, paint: Paint): string[] {
  const { sign, colour } = marks[step.kind];
  const generation = step.to === null ? '' : step.from === null ? ` generation ${step.to}` : ` generation ${step.from} -> ${step.to}`;
  const head = `${sign} ${step.worker}${step.runtime === null ? '' : ` (${step.runtime})`}${step.kind === 'keep' ? '' : generation}${step.restarts ? ', restarts' : ''}`;
  return [
    `${paint(head, colour)}: ${printable(step.why)}`,
    ...step.changes.map(({ field, before, after }) => `    ${field}: ${valueText(before)} -> ${valueText(after)}`),
    ...step.refused.map((text) => paint(`    refused: ${printable(text)}`, 'red')),
    ...step.unenforced.map((text) => paint(`    note: ${printable(text)}`, 'yellow')),
  ];
}

const valueText = (value: string | null): string => (value === null ? '(none)' : printable(value));

function sumText(plan: PlanDocument): string {
  if (!hasChanges(plan)) return 'No changes.';
  const sums = (['add', 'change', 'remove'] as const).map((kind) => `${plan.steps.filter((step) => step.kind === kind).length} to ${marks[kind].verb}`);
  return `Plan: ${sums.join(', ')}.`;
}
