import { z } from 'zod';

/** The worker's `docker:` or `podman:` block: all it needs are the worker's own fields. */
export const options = z.strictObject({});
export type ContainerOptions = z.output<typeof options>;

const text = z.string().min(1);
const engine = z.strictObject({
  /** `unix:///path`, `tcp://host:port`, `https://host:port`: goes before all that is found. */
  host: text.optional(),
  /** A context of the docker command. */
  context: text.optional(),
});

/** The plugin's `config`: where the engines are, for hosts on which that is not found. */
export const config = z.strictObject({ docker: engine.prefault({}), podman: engine.omit({ context: true }).prefault({}) });
export type EngineConfig = z.output<typeof engine>;
