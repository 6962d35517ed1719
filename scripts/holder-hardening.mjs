// `npm run test:holder`: the tests that hold workers, with a holder that ends at the first byte out of bounds and at the first undefined operation.
// What follows `--` goes to vitest in place of all such tests.
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile, compiler, flags, sources } from './build-holder.mjs';
import { foreground } from './foreground.mjs';
import { checkoutEnv, root } from './install.mjs';
import { sanitizers } from './sanitizers.mjs';

const folder = mkdtempSync(join(tmpdir(), 'ostler-hardening-'));
const reports = join(folder, 'reports');
const [program, wrapper] = [join(folder, 'ostler-holder'), join(folder, 'watched')];
const cc = compiler();
const trouble = cc === null ? 'There is no C compiler (cc, or $CC).' : compile(cc, [...flags, ...sanitizers, ...sources()], program);
if (trouble !== null) {
  process.stderr.write(`${trouble}\n`);
  process.exit(1);
}
mkdirSync(reports);
// Some tests are another user's.
chmodSync(folder, 0o755);
chmodSync(reports, 0o1777);
// A launcher has no environment and no stderr of its own. Leaks are not looked for: a holder has its few allocations until it ends, by _exit.
const options = 'detect_leaks=0:abort_on_error=1:print_stacktrace=1';
const lines = ['#!/bin/sh', `export ASAN_OPTIONS=${options} UBSAN_OPTIONS=${options}`, `exec ${program} "$@" 2>>${reports}/$$`];
writeFileSync(wrapper, `${lines.join('\n')}\n`, { mode: 0o755 });
const args = process.argv.length > 2 ? process.argv.slice(2) : ['packages/process', 'packages/testkit/src/conformance/native.test.ts'];
const code = await foreground('vitest', ['run', ...args], { cwd: root, env: { ...checkoutEnv(), OSTLER_HOLDER: wrapper } });
const found = readdirSync(reports)
  .map((name) => readFileSync(join(reports, name), 'utf8'))
  .filter((text) => /Sanitizer|runtime error/.test(text));
for (const report of new Set(found)) process.stderr.write(`${report}\n`);
process.stdout.write(`sanitizers: ${found.length} reports\n`);
process.exitCode = code || (found.length > 0 ? 1 : 0);
rmSync(folder, { recursive: true });
