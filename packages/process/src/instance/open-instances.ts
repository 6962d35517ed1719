import { statSync } from 'node:fs';
import { type InstanceDirectory, openInstance } from './directory.ts';

/** Instances that were opened, so that a look at one does not parse its spec again. */
export class OpenInstances {
  readonly #known = new Map<string, { readonly stamp: string; readonly instance: InstanceDirectory }>();

  /** As {@link openInstance}; read again only when the file was written or replaced since. */
  readonly open = (path: string): InstanceDirectory | null => {
    const stat = statSync(`${path}/spec.json`, { throwIfNoEntry: false });
    const stamp = stat === undefined ? '' : `${stat.ino} ${stat.size} ${stat.mtimeMs} ${stat.ctimeMs}`;
    const known = this.#known.get(path);
    if (known !== undefined && known.stamp === stamp) return known.instance;
    this.#known.delete(path);
    const instance = openInstance(path);
    if (instance !== null && stat !== undefined) this.#known.set(path, { stamp, instance });
    return instance;
  };

  forget(path: string): void {
    this.#known.delete(path);
  }
}
