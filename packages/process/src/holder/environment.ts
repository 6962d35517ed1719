import { runtimeFailure } from '@ostler/sdk';

/** Names that bash keeps for itself and refuses to assign. */
const bashOwn = new Set(['BASHOPTS', 'BASH_VERSINFO', 'EUID', 'PPID', 'SHELLOPTS', 'UID']);

/** Throws `invalid` for what cannot be handed over; names the variable, never its value. */
export function checkEnvironment(environment: Readonly<Record<string, string>>): void {
  const refuse = (text: string) => {
    throw runtimeFailure({ code: 'invalid', outcome: 'no', retryable: false, message: text });
  };
  for (const [name, value] of Object.entries(environment)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) refuse(`env "${name}" is no name for an environment variable: use letters, digits and _`);
    if (value.includes('\0')) refuse(`the value of env ${name} holds a NUL byte, which no environment can carry`);
  }
}

/** Lines that a POSIX shell evaluates; single quotes keep every byte as it is. The last line says that nothing was cut off. */
export function environmentScript(environment: Readonly<Record<string, string>>): string {
  const lines = Object.entries(environment).map(([name, value]) => {
    const line = `export ${name}='${value.replaceAll("'", "'\\''")}'`;
    // A failed assignment to a name that is read-only ends a shell, so ask first.
    return bashOwn.has(name) ? `if [ -z "\${BASH_VERSION:-}" ]; then ${line}; fi` : line;
  });
  return [...lines, '#whole'].join('\n');
}
