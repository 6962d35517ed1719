import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** A host file for this host, commented, valid as it stands. */
export async function exampleHostFile(host: string): Promise<string> {
  const engines = (await Promise.all(['docker', 'podman'].map(async (name) => ((await isOnPath(name)) ? [name] : [])))).flat();
  const name = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(host) ? host : 'this-host';
  return `# yaml-language-server: $schema=./.ostler/schema.json
# What runs on this host. \`ostler check\` checks it, \`ostler up\` runs it, \`ostler schema\` says all that can stand here.
ostler: 1
host: ${name}

# Values for \${NAME} below; the environment is never read silently.
# vars: { DATA: /srv, TOKEN_FILE: { env: TOKEN_FILE, default: token } }

# Runtimes and integrations are npm packages, installed in this folder. native comes with ostler.
# plugins: ["ostler-runtime-wasmtime"]

workers:
  # A worker is a process that is kept running. This one only tells the time.
  clock:
    runtime: native
    shell: "while :; do date; sleep 5; done"
    health: { minUp: 2s }

  # One that listens: it finds its port in PORT, and is restarted when it stops answering.
  # web:
  #   runtime: native
  #   command: [node, server.js]
  #   ports: ["8080:8080"]
  #   env: { LOG_LEVEL: info }
  #   health: { http: { path: /health }, interval: 5s }
  #   dependsOn: { clock: started }
  #   limits: { memory: 512MiB }

  # One that runs at three each night.
  # backup:
  #   runtime: native
  #   schedule: "0 3 * * *"
  #   command: [restic, backup, /data]
${engines.length > 0 ? `\n# Found on this host: ${engines.join(', ')}. Containers need the plugin @ostler/runtime-docker.\n` : ''}`;
}

async function isOnPath(name: string): Promise<boolean> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    try {
      await access(join(folder, name), constants.X_OK);
      return true;
    } catch {}
  }
  return false;
}
