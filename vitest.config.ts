import { defineConfig } from 'vitest/config';
import { abilities } from './scripts/abilities.mjs';

export default defineConfig({
  ssr: { resolve: { conditions: ['@ostler/source', 'node', 'import', 'module', 'default'] } },
  resolve: { conditions: ['@ostler/source', 'node', 'import', 'module', 'default'] },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'packages/*/test/**/*.test.ts', 'examples/*/**/*.test.ts', 'scripts/**/*.test.ts', 'chaos/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**', '**/fixtures/**'],
    env: { OSTLER_ABILITIES: process.env['OSTLER_ABILITIES'] ?? JSON.stringify(abilities()) },
    testTimeout: 20_000,
    hookTimeout: 20_000,
    pool: 'forks',
  },
});
