#!/usr/bin/env node
// Parsed by every Node there is: syntax of ES2015 and `import()`, nothing newer, so that an old one is told so in plain words.
const wanted = [22, 18];
const version = process.versions.node.split('.').map(Number);

if (version[0] < wanted[0] || (version[0] === wanted[0] && version[1] < wanted[1])) {
  process.stderr.write(`ostler needs Node ${wanted.join('.')} or newer; this is ${process.version} (${process.execPath})\n`);
  process.exit(2);
} else {
  const nodeModule = process.getBuiltinModule('module');
  // What Node compiled is kept in the user's own folder; where that cannot be written it is compiled again.
  const caches = process.env.XDG_CACHE_HOME || (process.env.HOME && process.env.HOME + '/.cache');
  if (nodeModule.enableCompileCache) nodeModule.enableCompileCache(process.env.NODE_COMPILE_CACHE || (caches ? caches + '/ostler/compiled' : undefined));
  import('../dist/main.js').catch((error) => {
    const isUnbuilt = error && error.code === 'ERR_MODULE_NOT_FOUND' && /^Cannot find module '[^']*dist.main\.js'/.test(error.message);
    if (!isUnbuilt) throw error;
    process.stderr.write('ostler is not built: there is no dist/main.js. In a checkout, `npm start` builds it.\n');
    process.exit(1);
  });
}
