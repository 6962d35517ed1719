import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where one agent of a case lives. Data only, so that a child process can open the same driver. */
export interface Scene {
  /** `InstanceRef.agent` of its instances. */
  readonly agent: string;
  /** Parent of all. */
  readonly folder: string;
  /** `Folders.state` of the plugin. */
  readonly stateDir: string;
  /** `Folders.secrets()` of the plugin: on tmpfs where this host has /dev/shm. */
  readonly secretsDir: string;
  /** For files that the case and its workers share. */
  readonly sharedDir: string;
}

/** New folders, and a new agent. */
export async function makeScene(): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), 'ostler-conformance-'));
  const stateDir = join(folder, 'state');
  const sharedDir = join(folder, 'shared');
  await mkdir(stateDir, { mode: 0o700 });
  await mkdir(sharedDir);
  const memory = '/dev/shm';
  const secretsDir = await mkdtemp(join(existsSync(memory) ? memory : folder, 'ostler-secrets-'));
  return { agent: randomUUID(), folder, stateDir, secretsDir, sharedDir };
}

export async function removeScene(scene: Scene): Promise<void> {
  for (const folder of [scene.secretsDir, scene.folder]) await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}
