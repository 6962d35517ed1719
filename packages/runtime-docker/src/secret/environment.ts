import { refusal } from '../errors.ts';

/**
 * Reads a script from its own stdin to the end, runs it only if it is whole, and becomes the worker. So secret values stand in no file, in no argument
 * and in nothing that the engine shows; an agent that dies half-way ends the container with 78 (EX_CONFIG) instead of leaving it without them.
 */
const receiver = `s=; while IFS= read -r l; do s="$s$l
"; done
case "$s" in *"
#whole
") eval "$s"; unset s l; exec "$@" </dev/null;; esac
echo 'ostler: the secret environment did not arrive' >&2; exit 78`;

/** Stands before the worker's own argv. Needs a shell in the image. */
export const receiverCommand: readonly string[] = ['/bin/sh', '-c', receiver, 'ostler-environment'];

/** What {@link receiverCommand} waits for. Throws `invalid` for a name that no shell can hold. */
export function environmentScript(env: Readonly<Record<string, string>>): string {
  const lines = Object.entries(env).map(([name, value]) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || value.includes('\0')) throw refusal('invalid', `the secret variable ${JSON.stringify(name)} cannot be set`);
    return `export ${name}='${value.replaceAll("'", `'\\''`)}'\n`;
  });
  return `\n${lines.join('')}#whole\n`;
}
