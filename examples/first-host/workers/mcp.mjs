import { createMcpExpressApp } from '@modelcontextprotocol/sdk/server/express.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { z } from 'zod';

const app = createMcpExpressApp({ host: '127.0.0.1' });
app.get('/health', (_, response) => void response.json({ ok: true }));
app.post('/mcp', async (request, response) => {
  const server = new McpServer({ name: 'first-host', version: '1.0.0' });
  const greet = { description: 'Greets somebody by name', inputSchema: { name: z.string() } };
  server.registerTool('greet', greet, ({ name }) => ({ content: [{ type: 'text', text: `Good day, ${name}!` }] }));
  const transport = new StreamableHTTPServerTransport({});
  response.once('close', () => server.close());
  await server.connect(transport);
  await transport.handleRequest(request, response, request.body);
});
app.listen(Number(process.env.PORT), '127.0.0.1', () => console.log(`MCP at http://127.0.0.1:${process.env.PORT}/mcp`));
