// `npm run fuzz:holder -- [--seconds N] [--seed N] [--first N]`: damaged records against what reads them, with sanitizers. A failure says its seed and case.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compile, compiler, flags } from './build-holder.mjs';
import { checkoutEnv, root } from './install.mjs';
import { sanitizers } from './sanitizers.mjs';

const { values } = parseArgs({ options: { seconds: { type: 'string' }, seed: { type: 'string' }, first: { type: 'string' } } });
const { seconds = '5', seed = String(Date.now() % 1e9), first = '0' } = values;
const folder = mkdtempSync(join(tmpdir(), 'ostler-fuzz-'));
process.on('exit', () => rmSync(folder, { recursive: true }));

function stop(text) {
  process.stderr.write(`${text}\n`);
  process.exit(1);
}

const cc = compiler() ?? stop('There is no C compiler (cc, or $CC).');
const holding = join(root, 'packages/process');
const trouble = compile(cc, [...flags, ...sanitizers, join(holding, 'fuzz/record.c'), join(holding, 'holder/record.c')], join(folder, 'record'));
if (trouble !== null) stop(trouble);
const env = checkoutEnv();
const seeds = join(folder, 'seeds');
const made = spawnSync(
  'sh',
  ['-c', 'mkdir "$1" && exec node --conditions=@ostler/source "$0" "$1"', join(holding, 'src/holder/compiled/fixtures/seeds.ts'), seeds],
  {
    env,
    encoding: 'utf8',
  },
);
if (made.status !== 0) stop(`The records could not be made: ${made.stderr}`);
const files = readdirSync(seeds).map((name) => join(seeds, name));
process.exitCode = spawnSync(join(folder, 'record'), [seconds, seed, first, ...files], { stdio: 'inherit', env }).status ?? 1;
