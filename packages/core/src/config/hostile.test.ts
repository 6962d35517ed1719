import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isProblem } from '../base/problem.ts';
import { load, problemOf, told } from './fixtures/host-file.ts';

const worker = (fields: string) => `workers:\n  web:\n    command: [sleep, "1"]\n    ${fields.replaceAll('\n', '\n    ')}\n`;
const deep = (count: number) => `${'['.repeat(count)}${']'.repeat(count)}`;

/** [what is wrong, the file, where, what is said] */
const yaml: readonly (readonly [string, string, string, RegExp])[] = [
  ['empty', '', '1:1', /is empty/],
  ['only a comment', '# nothing\n', '1:1', /is empty/],
  ['only a dash line', '---\n', '1:1', /is empty/],
  ['a scalar', 'hello\n', '1:1', /expected a map/],
  ['a list', '- a\n- b\n', '1:1', /found a list/],
  ['a null', 'null\n', '1:1', /expected a map/],
  ['two documents', 'ostler: 1\n---\nostler: 1\n', '2:1', /second document/],
  ['a tab', 'workers:\n\tweb: {}\n', '2:1', /tab/],
  ['an open bracket', 'workers: {\n', '2:1', /not valid YAML/],
  ['an open quote', 'host: "mini\n', '2:1', /not valid YAML/],
  ['bad indentation', 'workers:\n  web:\n    command: a\n   env: {}\n', '4:1', /not valid YAML/],
  ['a colon too many', 'host: a: b\n', '1:7', /not valid YAML/],
  ['a duplicate key', 'host: a\nhost: b\n', '2:1', /`host` is given twice; the first is in line 1/],
  ['a duplicate worker', 'workers:\n  web: { command: a }\n  web: { command: b }\n', '3:3', /`web` is given twice; the first is in line 2/],
  ['an unknown alias', 'host: *nobody\n', '1:7', /nobody/],
  ['an alias in itself', 'workers: &w\n  web: *w\n', '2:8', /inside of what it refers to/],
  ['an unknown tag', 'host: !evil x\n', '1:13', /tag/],
  ['a tag for code', 'host: !!js/function "x"\n', '1:21', /tag/],
  ['a map as a key', '{ {a: 1}: 2 }\n', '1:3', /key must be a text/],
  ['a list as a key', '[a]: 2\n', '1:1', /key must be a text/],
  ['a number as a key', 'workers:\n  1: { command: a }\n', '2:3', /key must be a text; `1` is a number/],
  ['a boolean as a key', 'vars:\n  true: a\n', '2:3', /key must be a text/],
  ['an empty key', 'vars:\n  : a\n', '2:3', /key must be a text/],
  ['__proto__', 'workers:\n  __proto__: { command: a }\n', '2:3', /`__proto__` cannot be used/],
  ['constructor', 'vars: { constructor: a }\n', '1:9', /`constructor` cannot be used/],
  ['prototype in env', worker('env: { prototype: a }'), '4:12', /`prototype` cannot be used/],
  ['nesting', `vars: ${deep(100)}\n`, '1:71', /levels deep/],
  ['much nesting', `vars: ${deep(5000)}\n`, '1:263', /brackets are open/],
  ['much block nesting', `vars:\n  ${'- '.repeat(3000)}a\n`, '2:1', /levels deep/],
  [
    'an alias bomb',
    `a: &a [x,x,x,x,x,x,x,x,x,x]\n${'bcdefghi'.replaceAll(/./g, (at) => `${at}: &${at} [${Array(10).fill(`*${String.fromCharCode(at.charCodeAt(0) - 1)}`)}]\n`)}`,
    '1:24',
    /more than 100000 values/,
  ],
  ['an unknown field', 'worker: {}\n', '1:1', /unknown field `worker`.*Did you mean `workers`/],
  ['a Compose file', 'version: "3"\nservices:\n  web: {}\n', '1:1', /unknown field `version`/],
  ['another form', 'ostler: 2\n', '1:9', /expected 1, the form that this version reads; found `2`/],
  ['a form in quotes', 'ostler: "1"\n', '1:9', /expected 1, the form/],
  ['a host name that is none', 'host: "a b"\n', '1:7', /host name/],
  ['workers as a list', 'workers:\n  - web\n', '2:3', /expected a map of workers; found a list/],
  ['a worker that is a text', 'workers:\n  web: hello\n', '2:8', /the fields of the worker; found `hello`/],
  ['a worker that is empty', 'workers:\n  web:\n', '2:3', /expected a map/],
  ['a worker in upper case', 'workers:\n  Web: { command: a }\n', '2:3', /lower-case/],
  ['a worker with an underscore', 'workers:\n  my_web: { command: a }\n', '2:3', /lower-case/],
  ['a worker called ..', 'workers:\n  "..": { command: a }\n', '2:3', /lower-case/],
  ['a long worker name', `workers:\n  ${'a'.repeat(64)}: { command: a }\n`, '2:3', /at most 63/],
  ['an unknown worker field', worker('restrat: always'), '4:5', /unknown field `restrat` in workers\.web \| Did you mean `restart`/],
  ['snake case', worker('depends_on: [db]'), '4:5', /Did you mean `dependsOn`/],
  ['replicas', worker('replicas: 2'), '4:5', /one host runs one of each/],
  ['an unknown field deep', worker('health: { http: { port: 1, pth: / } }'), '4:32', /`pth` in workers\.web\.health\.http \| Did you mean `path`/],
  ['an unknown limit', worker('limits: { memroy: 1GiB }'), '4:15', /Did you mean `memory`/],
  ['an unknown field of a block', worker('process: { comand: a }'), '4:16', /Did you mean `command`/],
  ['an unknown option of a runtime', worker('native: { nise: 1 }'), '4:15', /`nise` in workers\.web\.native \| Did you mean `nice`/],
  ['a bad option of a runtime', worker('native: { nice: 99 }'), '4:21', /native\.nice/],
  ['a missing option of a runtime', 'workers:\n  w: { runtime: wasmtime }\n', '2:3', /wasmtime\.module is missing/],
  ['a block that is a text', worker('native: fast'), '4:13', /expected a map/],
  [
    'an unknown runtime',
    worker('runtime: dokcer'),
    '4:14',
    /no loaded plugin brings the runtime `dokcer`; there are: docker, native, wasmtime \| Did you mean `docker`/,
  ],
  ['a runtime that is not installed', worker('runtime: metal'), '4:14', /@ostler\/runtime-metal/],
  ['a runtime that nobody knows in a list', worker('runtime: [native, magic]'), '4:23', /`magic`/],
  ['runtime as a number', worker('runtime: 5'), '4:14', /name of a runtime/],
  ['no command', 'workers:\n  web: { env: { A: b } }\n', '2:3', /no `command`/],
  ['an empty command', 'workers:\n  web: { command: "" }\n', '2:19', /is empty/],
  ['an empty command list', 'workers:\n  web: { command: [] }\n', '2:19', /is empty/],
  ['a command with an open quote', `workers:\n  web: { command: "sh -c 'a" }\n`, '2:19', /not closed/],
  ['a command that is a map', 'workers:\n  web: { command: { a: b } }\n', '2:10', /expected a list such as/],
  ['a command with a map in it', 'workers:\n  web: { command: [a, {}] }\n', '2:23', /expected a text/],
  ['a command with 1.10', 'workers:\n  web: { command: [pip, 1.10] }\n', '2:25', /written `1.10` but would be read as `1.1`/],
  ['shell and command', worker('shell: echo'), '4:12', /cannot both/],
  ['env as a list', worker('env: [A=b]'), '4:10', /expected a map of names and values; found a list/],
  ['env 1.10', worker('env: { V: 1.10 }'), '4:15', /`1.10` but would be read as `1.1` \| Put it in quotes: "1.10"/],
  ['env 0o17', worker('env: { V: 0o17 }'), '4:15', /`0o17` but would be read as `15`/],
  ['env 0x1F', worker('env: { V: 0x1F }'), '4:15', /`0x1F`/],
  ['env 1e3', worker('env: { V: 1e3 }'), '4:15', /`1e3`/],
  ['env 012', worker('env: { V: 012 }'), '4:15', /`012`/],
  ['env +1', worker('env: { V: +1 }'), '4:15', /`\+1`/],
  ['env True', worker('env: { V: True }'), '4:15', /`True`/],
  ['env too long a number', worker('env: { V: 12345678901234567890 }'), '4:15', /12345678901234567890/],
  ['env null', worker('env: { V: null }'), '4:12', /expected a text/],
  ['env nothing', worker('env:\n  V:'), '5:7', /expected a text/],
  ['env map', worker('env: { V: { a: b } }'), '4:12', /found a map/],
  ['env name', worker('env: { "A B": x }'), '4:12', /not possible as a name/],
  ['env with NUL', worker('env: { V: "a\\0b" }'), '4:15', /NUL/],
  ['label 1.0', worker('labels: { v: 1.0 }'), '4:18', /`1.0`/],
  ['a duration without a unit', worker('stop: { grace: 10 }'), '4:20', /expected a duration with its unit.*found `10`/],
  ['a duration with a wrong unit', worker('stop: { grace: 10sec }'), '4:20', /found `10sec`/],
  ['a negative duration', worker('stop: { grace: -5s }'), '4:20', /duration/],
  ['an endless duration', worker('stop: { grace: 99999999999999d }'), '4:20', /duration/],
  ['no interval', worker('health: { exec: "true", interval: 0s }'), '4:39', /more than 0s/],
  ['a size without a unit', worker('limits: { memory: 512 }'), '4:23', /size with its unit.*found `512`/],
  ['a size as Docker writes it', worker('limits: { memory: 512m }'), '4:23', /size with its unit/],
  ['no memory', worker('limits: { memory: 0MiB }'), '4:23', /size/],
  ['cpus in words', worker('limits: { cpus: two }'), '4:21', /number of cores/],
  ['cpus infinite', worker('limits: { cpus: .inf }'), '4:21', /number of cores/],
  ['a port range', worker('ports: ["8000-8010:8000-8010"]'), '4:13', /range/],
  ['port 0', worker('ports: [0]'), '4:13', /no port/],
  ['port 70000', worker('ports: ["70000:80"]'), '4:13', /`70000` is no port/],
  ['a port in words', worker('ports: [http]'), '4:13', /no port/],
  ['a port with a host name', worker('ports: ["localhost:80:80"]'), '4:13', /`localhost` is no IP address/],
  ['sctp', worker('ports: ["80:80/sctp"]'), '4:13', /expected `8501:8501`/],
  ['ports as a number', worker('ports: 80'), '4:12', /list of ports/],
  ['one port twice', worker('ports: ["80:80", { port: 80 }]'), '4:22', /given twice/],
  ['another port for a process', worker('ports: ["8080:80"]'), '4:13', /cannot be published as 8080/],
  ['a signal that is none', worker('stop: { signal: SIGFOO }'), '4:21', /name of a signal/],
  ['a policy that is none', worker('restart: sometimes'), '4:14', /expected/],
  ['always for a job', worker('kind: job\nrestart: always'), '5:14', /cannot be the policy of a job/],
  ['cron without schedule', worker('kind: cron'), '4:11', /needs a `schedule`/],
  ['job with schedule', worker('kind: job\nschedule: "0 3 * * *"'), '4:11', /is a cron worker/],
  ['a cron line that is none', worker('schedule: "every day"'), '4:15', /no cron line/],
  ['a cron line that never comes', worker('schedule: "0 0 30 2 *"'), '4:15', /never comes/],
  ['a cron line that is a moment', worker('schedule: "2030-01-01T00:00:00"'), '4:15', /no cron line/],
  ['a day that no month has', worker('schedule: "0 0 32 * *"'), '4:15', /no cron line: Invalid value for day: 32\b/],
  ['a month that no year has', worker('schedule: "0 0 1 0 *"'), '4:15', /no cron line: Invalid value for month: 0\b/],
  ['a restart at no cron line', worker('restart: { at: "3am" }'), '4:20', /restart\.at: `3am` is no cron line/],
  ['a restart that never comes', worker('restart: { at: "0 3 31 4 *" }'), '4:20', /restart\.at: `0 3 31 4 \*` never comes/],
  ['an age without a unit', worker('restart: { maxAge: 3600 }'), '4:24', /duration with its unit/],
  ['an age of seconds', worker('restart: { maxAge: 59s }'), '4:24', /1m or more/],
  ['memory without a unit', worker('restart: { memoryAbove: 64 }'), '4:29', /size with its unit/],
  ['an age of a job', worker('kind: job\nrestart: { maxAge: 1d }'), '5:24', /`maxAge` is for services: a job ends by itself/],
  ['a restart of a cron worker at a time', worker('schedule: "0 3 * * *"\nrestart: { at: "0 4 * * *" }'), '5:20', /`at` is for services: a cron worker/],
  ['a time zone that is none', worker('schedule: { cron: "0 3 * * *", timezone: Europe/Berln }'), '4:46', /Did you mean `Europe\/Berlin`/],
  ['impossible retries', worker('health: { exec: "true", retries: 0 }'), '4:38', /from 1 to 1000/],
  ['impossible successes', worker('health: { exec: "true", successes: 0 }'), '4:40', /from 1 to 1000/],
  ['negative retries', worker('health: { exec: "true", retries: -1 }'), '4:38', /from 1 to 1000/],
  ['half a retry', worker('health: { exec: "true", retries: 1.5 }'), '4:38', /from 1 to 1000/],
  ['no timeout of a probe', worker('health: { exec: "true", timeout: 0s }'), '4:38', /more than 0s/],
  ['a negative start period', worker('health: { exec: "true", startPeriod: -1s }'), '4:42', /duration/],
  ['grpc without a port', worker('health: { grpc: { service: a } }'), '4:15', /which port/],
  ['grpc with port 0', worker('health: { grpc: 0 }'), '4:21', /port from 1 to 65535/],
  ['an unknown field of grpc', worker('health: { grpc: { port: 1, servce: a } }'), '4:32', /Did you mean `service`/],
  ['a pattern that is none', worker('health: { log: "(" }'), '4:20', /health\.log: no regular expression: Unterminated group/],
  ['a pattern in a map that is none', worker('health: { log: { pattern: "[" } }'), '4:31', /health\.log\.pattern: no regular expression/],
  ['a pattern too long', worker(`health: { log: ${'a'.repeat(1001)} }`), '4:20', /at most 1000 characters/],
  ['an empty pattern', worker('health: { log: "" }'), '4:20', /is empty/],
  ['a stream that is none', worker('health: { log: { pattern: a, stream: both } }'), '4:42', /`stdout`, `stderr`/],
  ['a file without a path', worker('health: { file: { maxAge: 10s } }'), '4:15', /path is missing/],
  ['a file of no age', worker('health: { file: { path: a, maxAge: 0s } }'), '4:40', /more than 0s/],
  ['a probe of a later version', worker('health: { mcp: { port: 1 } }'), '4:15', /health\.mcp is not supported by this version/],
  ['http without a port', worker('health: { http: { path: / } }'), '4:15', /which port/],
  ['a status that is none', worker('health: { http: { port: 1, status: 999 } }'), '4:40', /status/],
  ['a path without a slash', worker('health: { http: { port: 1, path: health } }'), '4:38', /begins with/],
  ['an unknown probe', worker('health: { htpp: / }'), '4:15', /Did you mean `http`/],
  ['a watchdog of no time', worker('health: { notify: { watchdog: 0s } }'), '4:35', /notify.*more than 0s/],
  ['notify as a duration', worker('health: { notify: 10s }'), '4:23', /health\.notify: expected true, or \{ watchdog: 10s \}/],
  ['a bad plugin probe', worker('health: { ping: {} }'), '4:15', /ping\.host/],
  ['a dependency that is not there', worker('dependsOn: { wbe: started }'), '4:18', /no worker `wbe`/],
  ['a dependency on itself', worker('dependsOn: { web: started }'), '4:18', /circle: web -> web/],
  ['a dependency list', worker('dependsOn: [db]'), '4:16', /map of workers and states/],
  [
    'a state that is none',
    'workers:\n  a: { command: x }\n  b: { command: x, dependsOn: { a: service_healthy } }\n',
    '3:36',
    /`service_healthy` is no state.*Did you mean `healthy`/,
  ],
  [
    'a circle',
    'workers:\n  a: { command: x, dependsOn: { b: started } }\n  b: { command: x, dependsOn: { c: started } }\n  c: { command: x, dependsOn: { a: started } }\n',
    '4:33',
    /circle: a -> b -> c -> a/,
  ],
  [
    'one port for two',
    'workers:\n  a: { command: x, ports: [80] }\n  b: { command: x, ports: [80] }\n',
    '3:28',
    /workers\.b and workers\.a both publish port 80\/tcp \(a: .*:2:28\)/,
  ],
  ['a secret without a scheme', worker('secrets: { env: { A: hunter2 } }'), '4:26', /expected a reference.*found a text/],
  ['a secret of nobody', worker('secrets: { env: { A: "sosp://f#/a" } }'), '4:26', /Did you mean `sops:`/],
  ['a secret file with a slash', worker('secrets: { files: { ../x: "sops://f#/a" } }'), '4:25', /without `\/`/],
  ['a mode without quotes', worker('secrets: { files: { x: { ref: "sops://f#/a", mode: 0400 } } }'), '4:56', /mode in quotes/],
  ['an unset variable', 'vars: { DOMAIN: x }\nhost: ${DOMIAN}\n', '2:7', /`\$\{DOMIAN\}` is not set.*Did you mean `\$\{DOMAIN\}`/],
  ['a variable of the shell', 'host: $HOME\n', '1:7', /write `\$\{HOME\}`.*`\$\$HOME`/],
  ['a required variable', 'host: ${H:?which host}\n', '1:7', /which host/],
  ['an open variable', 'host: "${H"\n', '1:7', /not closed/],
  ['an operator that is none', 'host: "${H:+x}"\n', '1:7', /not understood/],
  ['variables in a circle', 'vars: { A: "${B}", B: "${A}" }\nhost: ${A}\n', '1:9', /circle: A -> B -> A/],
  [
    'variables that double',
    `vars:\n${Array.from({ length: 40 }, (_, i) => `  A${i + 1}: "\${A${i}}\${A${i}}"`).join('\n')}\n  A0: xxxxxxxx\nhost: \${A20}\n`,
    '15:8',
    /unfold/,
  ],
  ['a variable from an unset environment', 'vars: { A: { env: NOT_THERE } }\nhost: ${A}\n', '2:7', /environment variable NOT_THERE/],
  ['a fact too early', 'vars: { A: { fact: tailscale.ip } }\nhost: ${A}\n', '2:7', /only workers can use it/],
  ['a fact that nobody knows', `vars: { A: { fact: tailscale.ip } }\n${worker('hostname: ${A}')}`, '5:15', /does not know the fact/],
  ['a list as a variable', 'vars: { A: [1] }\n', '1:12', /is a list/],
  ['a variable 1.10', 'vars: { A: 1.10 }\n', '1:12', /`1.10`/],
  ['extends itself', 'extends: ostler.yaml\n', '1:10', /circle/],
  ['extends nothing', 'extends: [nowhere.yaml]\n', '1:11', /nowhere\.yaml does not exist/],
  ['extends a number', 'extends: 5\n', '1:10', /path of a file/],
  ['extends a folder', 'extends: .\n', '1:10', /expected one of .yaml/],
  ['extends a device', 'extends: /dev/zero\n', '1:10', /expected one of .yaml/],
  ['plugins as a text', 'plugins: a\n', '1:10', /list of plugins/],
  ['a plugin without use', 'plugins:\n  - { config: {} }\n', '2:5', /use is missing/],
  ['an image without a name', 'images: { A: x }\n', '1:11', /lower-case/],
  ['no image', 'workers:\n  web: { runtime: docker }\n', '2:3', /has no image/],
  ['alerts', 'alerts: { ops: { ntfy: { topic: a } } }\n', '1:1', /alerts is not supported by this version/],
  ['expose', worker('expose: { tailscale: {} }'), '4:5', /expose is not supported/],
  ['volumes of a worker', worker('volumes: [a:b]'), '4:14', /write `mounts/],
  ['control characters', 'host: "a\u0001b"\n', '1:7', /./],
];

describe('a hostile YAML file gives one clear problem with its place', () => {
  it.each(yaml)('%s', async (_name, text, at, message) => {
    const problem = await problemOf(load({ 'ostler.yaml': text }));
    const first = told(problem)[0]!;
    expect(first).toMatch(message);
    expect(first.split(' ')[0]).toBe(at);
    expect(['host-file-empty', 'host-file-syntax', 'host-file-invalid', 'host-file-missing', 'runtime-unknown']).toContain(problem.code);
  });
});

const others: readonly (readonly [string, string, string | Uint8Array, string, RegExp])[] = [
  ['JSON empty', 'ostler.json', '', '1:1', /is empty/],
  ['JSON comment', 'ostler.json', '{\n  // no\n}', '2:3', /comments are not allowed/],
  ['JSON trailing comma', 'ostler.json', '{ "host": "a", }', '1:16', /not valid JSON/],
  ['JSON open brace', 'ostler.json', '{ "host": "a"', '1:14', /closing brace/],
  ['JSON duplicate', 'ostler.json', '{ "host": "a",\n "host": "b" }', '2:2', /given twice; the first is in line 1/],
  ['JSON __proto__', 'ostler.json', '{ "__proto__": {} }', '1:3', /cannot be used/],
  ['JSON nesting', 'ostler.json', deep(100_000), '1:257', /brackets are open/],
  ['JSON two values', 'ostler.json', '{} {}', '1:4', /goes on after its end/],
  ['JSON env 1.10', 'ostler.json', '{ "workers": { "w": { "command": "a", "env": { "V": 1.10 } } } }', '1:53', /`1.10`/],
  ['JSON unknown field', 'ostler.json', '{ "wrokers": {} }', '1:3', /Did you mean `workers`/],
  ['TOML empty', 'ostler.toml', '# nothing\n', '1:1', /is empty/],
  ['TOML open table', 'ostler.toml', 'host = "a"\n[workers\n', '3:1', /not valid TOML/],
  ['TOML duplicate', 'ostler.toml', 'host = "a"\nhost = "b"\n', '2:1', /not valid TOML|given twice/],
  ['TOML __proto__', 'ostler.toml', '[__proto__]\nx = 1\n', '1:1', /cannot be used/],
  ['TOML nesting', 'ostler.toml', `vars = ${deep(5000)}\n`, '1:8', /levels deep/],
  ['TOML env 0o17', 'ostler.toml', '[workers.w]\ncommand = "a"\n[workers.w.env]\nV = 0o17\n', '4:5', /`0o17`/],
  ['TOML unknown field', 'ostler.toml', '[workers.w]\ncomand = "a"\n', '2:1', /Did you mean `command`/],
  ['not UTF-8', 'ostler.yaml', new Uint8Array([0x68, 0x3a, 0x0a, 0xff, 0x41]), '2:1', /not UTF-8/],
  ['UTF-16', 'ostler.yaml', new Uint8Array([0xff, 0xfe, 0x41, 0]), '1:1', /UTF-16/],
  ['NUL', 'ostler.yaml', 'host: a\n\0', '2:1', /NUL/],
  ['too large', 'ostler.yaml', `#${' '.repeat(1024 * 1024)}`, '1:1', /larger than 1024 KiB/],
  ['code that does not parse', 'ostler.mjs', 'export default {', '1:1', /does not run/],
  ['code that throws', 'ostler.mjs', '\nthrow new Error("boom")', '2:7', /boom/],
  ['code without a default', 'ostler.mjs', 'export const a = 1', '1:1', /is empty/],
  ['code with a function in it', 'ostler.mjs', 'export default { workers: { a: () => 1 } }', '1:1', /workers\.a is a function/],
  ['code that contains itself', 'ostler.mjs', 'const a = {}; a.vars = a; export default a', '1:1', /contains itself/],
  ['code with NaN', 'ostler.mjs', 'export default { ostler: NaN }', '1:1', /NaN/],
  ['code with a Map', 'ostler.mjs', 'export default { workers: new Map() }', '1:1', /Map object/],
  ['code with a bad field', 'ostler.mjs', 'export default { wrokers: {} }', '1:1', /Did you mean `workers`/],
];

describe('a hostile file of another form gives one clear problem with its place', () => {
  it.each(others)('%s', async (_name, file, text, at, message) => {
    const first = told(await problemOf(load({ [file]: text })))[0]!;
    expect(first).toMatch(message);
    expect(first.split(' ')[0]).toBe(at);
  });
});

const good =
  'ostler: 1\nvars: { A: b }\nworkers:\n  web:\n    command: [node, server.js]\n    ports: ["8080:8080"]\n    env: { LEVEL: info, N: "${A}" }\n    health: { http: /, interval: 5s }\n  job: { kind: job, command: "a b", dependsOn: { web: healthy } }\n';

describe('a damaged file', () => {
  it('is read or refused with a place, never a crash', async () => {
    const damage = fc.record({
      at: fc.nat(good.length),
      drop: fc.nat(12),
      put: fc.oneof(
        fc.string({ maxLength: 8 }),
        fc.constantFrom('{', '[', '&a ', '*a', '\t', '"', ': ', '- ', '<<: ', '!!', '${', '|', '\n', '\0', '? ', '__proto__: 1\n'),
      ),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 3 }), async (damages) => {
        const text = damages.reduce((before, { at, drop, put }) => before.slice(0, at) + put + before.slice(at + drop), good);
        try {
          await load({ 'ostler.yaml': text });
        } catch (error) {
          if (!isProblem(error)) throw error;
          for (const one of [error, ...(error.others ?? [])]) if (!one.message.startsWith('and ')) expect(one.place?.line).toBeGreaterThan(0);
        }
      }),
      { numRuns: 300 },
    );
  });

  it.each(['json', 'toml'])('of the form %s is read or refused with a place, never a crash', async (form) => {
    const text =
      form === 'json'
        ? '{"ostler":1,"workers":{"web":{"command":["a","b"],"env":{"A":"b"},"ports":[80]}}}'
        : 'ostler = 1\n[workers.web]\ncommand = ["a", "b"]\nports = [80]\n[workers.web.env]\nA = "b"\n[[workers.web.mounts]]\nfrom = "/a"\n';
    await fc.assert(
      fc.asyncProperty(
        fc.nat(text.length),
        fc.nat(5),
        fc.oneof(fc.string({ maxLength: 6 }), fc.constantFrom('{', '[', '[[', '"', '=', ',', '\n', '.')),
        async (at, drop, put) => {
          try {
            await load({ [`ostler.${form}`]: text.slice(0, at) + put + text.slice(at + drop) });
          } catch (error) {
            if (!isProblem(error)) throw error;
            expect(error.place?.line).toBeGreaterThan(0);
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
