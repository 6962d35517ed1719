import { definePlugin, Folders, Logger } from '@ostler/sdk';
import { config, options } from './config.ts';
import { lazyDriver } from './lazy-driver.ts';

export default definePlugin({
  id: '@ostler/runtime-docker',
  api: 1,
  config,
  needs: { log: Logger, folders: Folders },
  contributes: { runtimes: { docker: { class: 'container', options }, podman: { class: 'container', options } } },
  setup: ({ config: engines, log, folders }) => ({
    runtimes: {
      docker: lazyDriver({ flavour: 'docker', config: engines.docker, log, folders }),
      podman: lazyDriver({ flavour: 'podman', config: engines.podman, log, folders }),
    },
  }),
});
