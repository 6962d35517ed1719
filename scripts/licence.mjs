// Lays the licence into the package that is being packed: npm takes it from nowhere else.
import { copyFileSync } from 'node:fs';

copyFileSync(new URL('../LICENSE', import.meta.url), 'LICENSE');
