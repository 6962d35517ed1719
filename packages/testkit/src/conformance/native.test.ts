import native from '@ostler/runtime-native';
import { test } from 'vitest';
import { runtimeConformance } from './runtime-conformance.ts';

const abilities = JSON.parse(process.env['OSTLER_ABILITIES'] ?? '{}') as Readonly<Record<string, string | null>>;
const options = {
  runtime: 'native',
  module: '@ostler/runtime-native',
  // In a container the facts say false, for a container that ends takes its processes along; the kill of the agent alone does not
  agentDeath: 'always',
} as const;

// native-sh.test.ts is the suite of hosts without it.
if (abilities['cc'] === null) runtimeConformance(() => native, options);
else test.skip('native with the compiled holder meets the runtime contract: there is no C compiler', () => {});
