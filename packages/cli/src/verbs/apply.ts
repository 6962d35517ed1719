import type { ApplyRequest, OutcomeDocument } from '@ostler/core';
import { connect } from '../client/client.ts';
import { usage } from '../failure.ts';
import { deadlineOf, sayOutcome, usualWaitMs } from '../outcome.ts';
import { readPlanFile } from '../plan-file.ts';
import { socketOf } from '../socket.ts';
import { type PlanOptions, planMs, planRequest } from './plan.ts';

interface ApplyOptions extends PlanOptions {
  readonly waitMs?: number | undefined;
  readonly allowRemove?: boolean | undefined;
}

export async function run(options: ApplyOptions, [planFile]: string[]): Promise<number> {
  const waitMs = options.waitMs ?? usualWaitMs;
  const body: ApplyRequest = { ...(await asked(options, planFile)), allowRemove: options.allowRemove === true, waitMs };
  const client = connect(socketOf(options));
  return sayOutcome(await client.request<OutcomeDocument>('POST', '/v1/apply', body, { deadlineMs: planMs + deadlineOf(waitMs) }), options);
}

/** Of a kept plan its own request, and its digest: the agent refuses when anything has changed since. */
async function asked(options: ApplyOptions, planFile: string | undefined): Promise<ApplyRequest> {
  if (planFile === undefined) return planRequest(options);
  if (options.file !== undefined || options.workers !== undefined)
    throw usage('a plan says itself which host file and which workers it is about', 'leave out --file and --worker, or the plan');
  const { request, plan } = await readPlanFile(planFile);
  return { ...request, digest: plan.digest };
}
