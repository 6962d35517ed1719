// A floor: what Node alone needs to start N processes whose output goes to a file. spawn.mjs N WORKER STAMPS LOG
// Plain JavaScript: type stripping would count as a part of Node's own start.
import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';

const [n, worker, stamps, log] = process.argv.slice(2);
const output = openSync(log, 'a', 0o600);
for (let index = 0; index < Number(n); index++) spawn(worker, [stamps, String(index), '0'], { stdio: ['ignore', output, output] });
