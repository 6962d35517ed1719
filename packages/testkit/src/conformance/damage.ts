import { readdir, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { InstanceRef } from '@ostler/sdk';
import { absent } from './absent.ts';
import type { Scene } from './scene.ts';

/**
 * Makes what the runtime wrote about one instance unreadable: every regular file under its state folder whose path names the instance is cut
 * to nothing, as a full disk or a torn write would. Absent where the runtime keeps no such files.
 */
export async function damageInstance(scene: Scene, ref: InstanceRef): Promise<void> {
  const entries = await readdir(scene.stateDir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const own = files.filter((file) => file.includes(ref.instance));
  if (own.length === 0) throw absent('the runtime keeps no files that name the instance');
  for (const file of own) await truncate(file, 0);
}
