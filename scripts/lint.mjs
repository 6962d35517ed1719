// The checks of our own over the whole tree; `npm run lint` runs Biome first.
import { fileURLToPath } from 'node:url';
import { importCycles } from './cycles.mjs';
import { layerViolations } from './layers.mjs';
import { namingViolations } from './naming.mjs';
import { purityViolations } from './purity.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const found = [layerViolations, purityViolations, importCycles, namingViolations].flatMap((check) => check(root));
for (const line of found) process.stderr.write(`${line}\n`);
process.exit(found.length > 0 ? 1 : 0);
