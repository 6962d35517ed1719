import { definePlugin, Folders, Logger } from '@ostler/sdk';
import { config, options } from './config.ts';
import { containerDriver } from './driver.ts';

export default definePlugin({
  id: '@ostler/runtime-docker',
  api: 1,
  config,
  needs: { log: Logger, folders: Folders },
  contributes: { runtimes: { docker: { class: 'container', options }, podman: { class: 'container', options } } },
  setup: ({ config: engines, log, folders }) => ({
    runtimes: {
      docker: containerDriver({ flavour: 'docker', config: engines.docker, log, folders }),
      podman: containerDriver({ flavour: 'podman', config: engines.podman, log, folders }),
    },
  }),
});
