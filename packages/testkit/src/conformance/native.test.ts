import native from '@ostler/runtime-native';
import { runtimeConformance } from './runtime-conformance.ts';

runtimeConformance(() => native, {
  runtime: 'native',
  module: '@ostler/runtime-native',
  // In a container the facts say false, for a container that ends takes its processes along; the kill of the agent alone does not
  agentDeath: 'always',
});
