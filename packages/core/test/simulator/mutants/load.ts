import { registerHooks } from 'node:module';
import type { Mutation } from './mutation.ts';

// Loaded before the simulator (`--import`): the one file that MUTANT names is changed as it is read.

const { file, start, end, text } = JSON.parse(process.env['MUTANT'] ?? '{}') as Mutation;

registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    if (!url.endsWith(`/${file}`)) return loaded;
    const source = String(loaded.source);
    return { ...loaded, source: source.slice(0, start) + text + source.slice(end) };
  },
});
