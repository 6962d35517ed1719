import native from '@ostler/runtime-native';
import { runtimeConformance } from './runtime-conformance.ts';

runtimeConformance(() => native, {
  runtime: 'native',
  module: '@ostler/runtime-native',
  // in a container the facts say false, for a container that ends takes its processes along; the kill of the agent alone does not
  agentDeath: 'always',
  skip: [
    {
      reason: 'the sh holder knows the end only as the $? of its shell, where 137 is SIGKILL as well as a code',
      cases: ['a-high-exit-code-is-no-signal'],
    },
  ],
});
