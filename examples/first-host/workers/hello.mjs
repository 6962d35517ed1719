import { createServer } from 'node:http';

let visits = 0;
const server = createServer((request, response) => {
  if (request.url === '/health') return response.end('ok\n');
  visits += 1;
  console.log(`visit ${visits}: ${request.method} ${request.url}`);
  return response.end(`Hello from ${process.env.OSTLER_WORKER} on ${process.env.OSTLER_HOST_NAME}, visit ${visits}.\n`);
});
server.listen(Number(process.env.PORT), '127.0.0.1', () => console.log(`listening on ${process.env.PORT}`));

process.once('SIGTERM', () => {
  console.log('asked to stop: closing');
  server.close();
  server.closeAllConnections();
});
