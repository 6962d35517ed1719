import { definePlugin, Folders, Logger } from '@ostler/sdk';
import { options } from './config.ts';
import { nativeDriver } from './driver.ts';

export default definePlugin({
  id: '@ostler/runtime-native',
  api: 1,
  needs: { log: Logger, folders: Folders },
  contributes: { runtimes: { native: { class: 'process', options } } },
  setup: ({ log, folders }) => ({ runtimes: { native: nativeDriver(log, folders) } }),
});
