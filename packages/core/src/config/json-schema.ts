import { z } from 'zod';
import type { Registry } from '../spec/index.ts';
import { hostFileSchema } from './schema.ts';

/** JSON Schema (draft 2020-12) of a host file as people write it, composed with the options of the loaded plugins. */
export function hostFileJsonSchema(registry?: Registry): Record<string, unknown> {
  const schema = z.toJSONSchema(hostFileSchema(registry), {
    io: 'input',
    unrepresentable: 'any',
    cycles: 'ref',
    reused: 'ref',
    override: ({ jsonSchema }) => {
      // `x-…` keys are free for anchors and notes
      if (jsonSchema.type === 'object' && jsonSchema.additionalProperties === false) jsonSchema.patternProperties = { '^x-': {} };
    },
  });
  return { ...schema, title: 'ostler host file' } as Record<string, unknown>;
}
