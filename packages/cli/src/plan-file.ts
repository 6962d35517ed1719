import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import type { PlanDocument, PlanRequest } from '@ostler/core';
import { Failure, usage } from './failure.ts';

/** A kept plan: what was asked for and what was answered, so that `apply` can ask for exactly the same. */
export interface PlanFile {
  readonly ostlerPlan: 1;
  readonly request: PlanRequest;
  readonly plan: PlanDocument;
}

const longestBytes = 16 * 2 ** 20;

/** Written whole or not at all, for its owner alone. */
export async function writePlanFile(path: string, content: PlanFile): Promise<void> {
  const beside = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(beside, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => {});
    throw new Failure({
      code: 'plan-refused',
      message: `the plan cannot be written to ${path}: ${(error as Error).message}`,
      hint: 'name another file with --out',
    });
  }
}

export async function readPlanFile(path: string): Promise<PlanFile> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw usage(`the plan ${path} cannot be read: ${(error as Error).message}`, 'make one with `ostler plan --out PLANFILE`');
  }
  const content = text.length > longestBytes ? null : parsed(text);
  if (isPlanFile(content)) return content;
  throw usage(`${path} is no plan of \`ostler plan --out\``, 'a host file is applied with `ostler apply --file HOSTFILE`');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isPlanFile(value: unknown): value is PlanFile {
  const { ostlerPlan, request, plan } = (value ?? {}) as Partial<PlanFile>;
  return ostlerPlan === 1 && typeof request === 'object' && request !== null && typeof plan?.digest === 'string';
}
