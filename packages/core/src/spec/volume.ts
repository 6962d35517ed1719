import type { VolumeDefinition } from '@ostler/sdk';
import { z } from 'zod';
import { flag, looseText, text } from './text.ts';

/** An entry of `volumes:` of the host file. */
export const volumeDefinition = z
  .strictObject({
    external: flag().optional(),
    name: z
      .string({ error: 'expected a name' })
      .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{1,254}$/, { error: 'expected letters, digits, `_`, `.` and `-`, a letter or digit first, at least two' })
      .optional(),
    labels: z.record(z.string(), looseText()).optional(),
    driver: text('the name of a driver, such as local').optional(),
    driverOpts: z.record(z.string(), looseText()).optional(),
  })
  .superRefine((volume, context) => {
    if (!volume.external) return;
    for (const field of ['driver', 'driverOpts', 'labels'] as const)
      if (volume[field] !== undefined)
        context.addIssue({ code: 'custom', path: [field], message: `an external volume is used as it is, so it cannot have \`${field}\`` });
  });

export function volumeOf(written: z.output<typeof volumeDefinition>): VolumeDefinition {
  const { external = false, name = null, driver = null, driverOpts = {}, labels = {} } = written;
  return { external, name, driver, driverOpts, labels };
}
