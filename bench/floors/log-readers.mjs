// Reads a stream of the agent many times over and throws it away, as fast as it comes; at the end of its input it prints how many bytes came.
// log-readers SOCKET PATH COUNT
import { request } from 'node:http';

const [, , socketPath, path, count] = process.argv;
let bytes = 0;
for (let index = 0; index < Number(count); index++) {
  const asked = request({ socketPath, path, agent: false }, (response) => {
    if (response.statusCode !== 200) process.exit(1);
    response.on('data', (chunk) => {
      bytes += chunk.length;
    });
    response.on('end', () => process.exit(1));
  });
  asked.on('error', () => process.exit(1));
  asked.end();
}
process.stdin.resume().on('end', () => {
  process.stdout.write(`${JSON.stringify({ bytes })}\n`, () => process.exit(0));
});
