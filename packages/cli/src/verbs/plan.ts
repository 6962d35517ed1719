import { resolve } from 'node:path';
import type { PlanDocument, PlanRequest } from '@ostler/core';
import { connect } from '../client/client.ts';
import { writePlanFile } from '../plan-file.ts';
import { hasChanges, isRefused, planText } from '../plan-text.ts';
import { note, say, sayJson } from '../print.ts';
import { socketOf } from '../socket.ts';
import { paintFor } from '../table/colour.ts';
import type { CommonOptions } from '../verb.ts';

export interface PlanOptions extends CommonOptions {
  readonly file?: string | undefined;
  readonly workers?: string[] | undefined;
}

interface PlanVerbOptions extends PlanOptions {
  readonly out?: string | undefined;
  readonly detailedExitCode?: boolean | undefined;
}

/** To compare with a whole host file may take the agent a while: plugins, facts, images. */
export const planMs = 120_000;

/** The agent's own host file, unless one is named. */
export function planRequest({ file, config, workers }: PlanOptions): PlanRequest {
  const named = file ?? config;
  return { ...(named === undefined ? {} : { hostFile: resolve(named) }), ...(workers === undefined ? {} : { workers }) };
}

export async function run(options: PlanVerbOptions, _args: string[]): Promise<number> {
  const request = planRequest(options);
  const plan = await connect(socketOf(options)).request<PlanDocument>('POST', '/v1/plan', request, { deadlineMs: planMs });
  if (options.out !== undefined) await writePlanFile(options.out, { ostlerPlan: 1, request, plan });
  if (options.json) sayJson(plan);
  else for (const line of planText(plan, paintFor(process.stdout))) say(line);
  if (options.out !== undefined) note(`kept in ${options.out}: \`ostler apply ${options.out}\` does exactly this`, options);
  if (isRefused(plan)) return 1;
  return options.detailedExitCode && hasChanges(plan) ? 10 : 0;
}
