import native from '@ostler/runtime-native';
import { runtimeConformance } from './runtime-conformance.ts';

// As where the compiled holder is not to be had; agents of their own inherit it.
process.env['OSTLER_HOLDER'] = 'sh';

runtimeConformance(() => native, {
  runtime: 'native',
  module: '@ostler/runtime-native',
  agentDeath: 'always',
  skip: [
    {
      reason: 'the sh holder knows the end only as the $? of its shell, where 137 is SIGKILL as well as a code',
      cases: ['a-high-exit-code-is-no-signal'],
    },
    {
      reason: 'the sh holder hears no sd_notify: a shell has no datagram sockets',
      cases: [
        'what-a-worker-says-is-kept-and-told',
        'a-trip-an-end-and-a-long-status-are-told',
        'what-it-says-while-no-agent-lives-is-kept',
        'an-instance-that-said-nothing-answers-with-nulls',
        'a-worker-that-tells-of-itself-is-told-where',
      ],
    },
  ],
});
