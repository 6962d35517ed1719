import { serviceWords, withoutWord } from '../file/words.ts';
import { writeDevices } from './devices.ts';
import { writeEnvironment } from './environment.ts';
import { writeHealth } from './health.ts';
import { writeImage } from './image.ts';
import { writeLife } from './life.ts';
import { writeLimits } from './limits.ts';
import { writeLogs } from './logs.ts';
import { writeMounts } from './mounts.ts';
import { readLinks, writeNetworkMode } from './network.ts';
import { writePorts } from './ports.ts';
import { writeRun } from './run.ts';
import { writeSecrets } from './secrets.ts';
import { writeSecurity } from './security.ts';
import type { Service } from './service.ts';

/** Everything that a service says for itself; what depends on other services follows. */
export async function writeService(service: Service): Promise<void> {
  const { fields } = service;
  fields.only(serviceWords);
  for (const [word, why] of Object.entries(withoutWord)) if (fields.has(word)) fields.left(word, why);
  for (const [word, why] of Object.entries(onlyOfCompose)) if (fields.has(word)) fields.left(word, why);
  service.write('runtime', service.project.given.runtime);
  writeImage(service);
  if (service.impossible !== null) return;
  writeRun(service);
  await writeEnvironment(service);
  writePorts(service);
  writeNetworkMode(service);
  readLinks(service);
  writeMounts(service);
  writeSecrets(service);
  writeDevices(service);
  writeLimits(service);
  writeSecurity(service);
  writeLife(service);
  writeHealth(service);
  writeLogs(service);
}

const onlyOfCompose: Readonly<Record<string, string>> = {
  develop: 'it is for `docker compose watch`',
  models: 'models are run by Docker Desktop; a worker that serves one is a worker of its own',
  provider: 'what a provider runs is no container',
};
