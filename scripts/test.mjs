// `npm test`: installs, then every check and every test that this machine can run, and says what was left out. Plain Node 20.
// What follows `--` goes to vitest, which then runs alone.
import { abilities, missingLines, unmet } from './abilities.mjs';
import { foreground } from './foreground.mjs';
import { checkoutEnv, install, root } from './install.mjs';

const found = abilities();
const failed = unmet(found, process.env.OSTLER_REQUIRE ?? '');
if (failed.length > 0) {
  process.stderr.write(`OSTLER_REQUIRE names what is not here:\n${failed.map((line) => `  ${line}\n`).join('')}`);
  process.exit(1);
}
install();
const args = process.argv.slice(2);
const [command, ...rest] =
  args.length > 0
    ? ['vitest', 'run', ...args]
    : ['turbo', 'run', 'lint', 'typecheck', 'dead', 'vitest', '--concurrency=2', '--output-logs=new-only', '--log-order=grouped', '--log-prefix=none'];
const env = { ...checkoutEnv(), OSTLER_ABILITIES: JSON.stringify(found) };
process.exitCode = await foreground(command, rest, { cwd: root, env });
for (const line of missingLines(found)) process.stdout.write(`${line}\n`);
