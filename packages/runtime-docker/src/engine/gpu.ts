import { readdirSync, readFileSync } from 'node:fs';
import type { EngineFacts } from '@ostler/sdk';
import type { Flavour } from '../flavour.ts';
import type { EngineInfo } from './json.ts';

const folder = '/proc/driver/nvidia/gpus';

/** Where NVIDIA's toolkit puts its CDI specification. */
const cdiFolders = ['/etc/cdi', '/var/run/cdi'];

/** NVIDIA's GPUs of this host, by UUID, where the engine has a way to hand them to containers: Docker by its runtime or CDI, Podman by CDI alone. */
export function gpusOf({ Runtimes, CDISpecDirs }: EngineInfo, flavour: Flavour): EngineFacts['gpus'] {
  const byCdi = (flavour === 'podman' || (CDISpecDirs ?? []).length > 0) && cdiFolders.some(hasNvidiaSpec);
  if (!byCdi && (flavour === 'podman' || Runtimes?.['nvidia'] === undefined)) return [];
  try {
    return readdirSync(folder).flatMap((name) => {
      const text = readFileSync(`${folder}/${name}/information`, 'utf8');
      const id = /^GPU UUID:\s*(\S+)/m.exec(text)?.[1];
      return id === undefined ? [] : [{ id, kind: /^Model:\s*(.+)$/m.exec(text)?.[1]?.trim() ?? 'nvidia' }];
    });
  } catch {
    return [];
  }
}

function hasNvidiaSpec(dir: string): boolean {
  try {
    return readdirSync(dir).some((name) => /^nvidia.*\.(ya?ml|json)$/.test(name));
  } catch {
    return false;
  }
}
