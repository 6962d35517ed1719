import { readdirSync, readFileSync } from 'node:fs';
import type { EngineFacts } from '@ostler/sdk';
import type { EngineInfo } from './json.ts';

const folder = '/proc/driver/nvidia/gpus';

/** NVIDIA's GPUs of this host, by UUID, where the engine has a way to hand them to containers: its runtime, or CDI. */
export function gpusOf({ Runtimes, CDISpecDirs }: EngineInfo): EngineFacts['gpus'] {
  if (Runtimes?.['nvidia'] === undefined && (CDISpecDirs ?? []).length === 0) return [];
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
