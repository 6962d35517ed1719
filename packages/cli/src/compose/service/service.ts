import type { Fields } from '../fields.ts';
import { isNothing, type Out } from '../out.ts';
import type { Project } from '../project.ts';

/** One service on its way to become a worker. */
export class Service {
  /** In the Compose file. */
  readonly name: string;
  readonly worker: string;
  readonly fields: Fields;
  readonly project: Project;
  readonly #written = new Map<string, Out>();
  readonly #container = new Map<string, Out>();
  /** Why it cannot be a worker at all. */
  impossible: string | null = null;

  constructor(name: string, fields: Fields, project: Project) {
    this.name = name;
    this.worker = project.workers.get(name)!;
    this.fields = fields;
    this.project = project;
  }

  /** Writes a field of the worker; nothing, and what is empty, is not written. */
  write(field: string, value: Out | null | undefined): void {
    if (!isNothing(value)) this.#written.set(field, value!);
  }

  /** The same in its `container:` block. */
  writeContainer(field: string, value: Out | null | undefined): void {
    if (!isNothing(value)) this.#container.set(field, value!);
  }

  get(field: string): Out | undefined {
    return this.#written.get(field);
  }

  drop(field: string): void {
    this.#written.delete(field);
  }

  get isJob(): boolean {
    return this.project.jobs.has(this.name);
  }

  /** All of it, in the order in which a person reads it. */
  get written(): ReadonlyMap<string, Out> {
    const all = new Map(this.#written);
    if (this.#container.size > 0) all.set('container', this.#container);
    return new Map(order.flatMap((field) => (all.has(field) ? [[field, all.get(field)!] as const] : [])));
  }
}

const order = (
  'runtime kind enabled profiles image build pull entrypoint command workingDir user groups hostname env envFile secrets init tty ports networkMode networks dns extraHosts ' +
  'mounts tmpfs shm devices gpu limits noNewPrivileges privileged capabilities readOnly ulimits sysctls container dependsOn health restart stop logs labels'
).split(' ');
