// Asks the agent for its workers every so often, whether or not the last answer is there; at the end of its input it prints how long each answer took,
// ms, and how often there was none, by what was wrong.
// ps-asker SOCKET EVERY_MS
import { request } from 'node:http';

const [, , socketPath, everyMs] = process.argv;
const took = [];
const refused = {};
const refuse = (why) => {
  refused[why] = (refused[why] ?? 0) + 1;
};
function ask() {
  const from = performance.now();
  const asked = request({ socketPath, path: '/v1/ps', agent: false }, (response) => {
    response.resume().on('end', () => {
      if (response.statusCode === 200) took.push(Math.round((performance.now() - from) * 100) / 100);
      else refuse(response.statusCode);
    });
  });
  asked.on('error', (error) => refuse(error.code ?? error.message));
  asked.end();
}
setInterval(ask, Number(everyMs));
process.stdin.resume().on('end', () => {
  process.stdout.write(`${JSON.stringify({ took, refused })}\n`, () => process.exit(0));
});
