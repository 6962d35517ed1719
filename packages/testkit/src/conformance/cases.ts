import { capabilities } from './capabilities.ts';
import type { ConformanceCase } from './case.ts';
import { deadlines } from './deadlines.ts';
import { exits } from './exits.ts';
import { identity } from './identity.ts';
import { limits } from './limits.ts';
import { listing } from './listing.ts';
import { logging } from './logging.ts';
import { notifying } from './notifying.ts';
import { secrets } from './secrets.ts';
import { starting } from './starting.ts';
import { stopping } from './stopping.ts';
import { values } from './values.ts';
import { watching } from './watching.ts';

/** Every case, by area of the contract. */
export const conformanceAreas: Readonly<Record<string, readonly ConformanceCase[]>> = {
  starting,
  identity,
  exits,
  stopping,
  listing,
  watching,
  logging,
  secrets,
  limits,
  values,
  deadlines,
  capabilities,
  notifying,
};

export const conformanceCases: readonly ConformanceCase[] = Object.values(conformanceAreas).flat();
