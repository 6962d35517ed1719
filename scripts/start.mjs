// `npm start`: installs, builds, then runs the agent with examples/first-host until Ctrl-C. Plain Node 20. What follows `--` goes to `up`.
import { homedir } from 'node:os';
import { join } from 'node:path';
import { foreground } from './foreground.mjs';
import { build, checkoutEnv, install, root } from './install.mjs';

install();
process.stderr.write('Building …\n');
build('ostler...');
const hostFile = join(root, 'examples', 'first-host', 'ostler.yaml');
const dataDir = join(root, '.ostler', 'first-host');
const args = [join(root, 'packages/cli/bin/ostler.js'), 'up', '--config', hostFile, '--data-dir', dataDir, '--socket', usualSocket()];
process.exitCode = await foreground(join(root, 'node_modules', '.bin', 'node'), [...args, ...process.argv.slice(2)], { cwd: root, env: checkoutEnv() });

/** Where every verb looks by itself, so that `npm exec ostler -- ps` in another terminal needs no options. */
function usualSocket() {
  if (process.env.OSTLER_SOCKET) return process.env.OSTLER_SOCKET;
  if (process.getuid?.() === 0) return process.platform === 'darwin' ? '/var/run/ostler/agent.sock' : '/run/ostler/agent.sock';
  if (process.env.XDG_RUNTIME_DIR) return join(process.env.XDG_RUNTIME_DIR, 'ostler', 'agent.sock');
  return join(process.env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'ostler', 'run', 'agent.sock');
}
