import { z } from 'zod';
import { createDocument } from 'zod-openapi';
import { routes, streams } from './routes.ts';
import { logLine, wireProblem } from './wire.ts';

/** OpenAPI 3.1 of every route, from the shapes that the routes themselves check. */
export function openApiDocument(release: string): object {
  const paths: Record<string, Record<string, object>> = {};
  const problem = { description: 'Not done; the body says what, why and what now', content: { 'application/json': { schema: wireProblem } } };
  const parameters = (path: string, query: z.ZodType | undefined) => ({
    ...(query === undefined ? {} : { query: query as z.ZodObject }),
    ...(path.includes(':name') ? { path: z.object({ name: z.string() }) } : {}),
  });
  const add = (method: string, path: string, operation: object): void => {
    const key = path.replace(':name', '{name}');
    paths[key] = { ...paths[key], [method.toLowerCase()]: operation };
  };
  for (const { method, path, summary, query, body, answer } of routes)
    add(method, path, {
      summary,
      requestParams: parameters(path, query),
      ...(body === undefined ? {} : { requestBody: { content: { 'application/json': { schema: body } } } }),
      responses: { 200: { description: 'Done', content: { 'application/json': { schema: answer } } }, default: problem },
    });
  for (const { method, path, summary, query, type } of streams) {
    const schema = path.endsWith('/logs') ? { schema: logLine } : {};
    add(method, path, {
      summary,
      requestParams: parameters(path, query),
      responses: { 200: { description: 'Done', content: { [type]: schema } }, default: problem },
    });
  }
  return createDocument({ openapi: '3.1.0', info: { title: 'ostler control API', version: release }, paths } as Parameters<typeof createDocument>[0]);
}
