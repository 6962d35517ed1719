import { z } from 'zod';
import { createDocument } from 'zod-openapi';
import type { Route } from './routes.ts';
import { wireProblem } from './wire.ts';

const problem = { description: 'Not done; the body says what, why and what now', content: { 'application/json': { schema: wireProblem } } };

/** OpenAPI 3.1 of every route, from the shapes that the routes themselves check. */
export function openApiDocument(routes: readonly Route[], release: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const one of routes) {
    const path = one.path.replace(':name', '{name}');
    paths[path] = { ...paths[path], [one.method.toLowerCase()]: operationOf(one) };
  }
  return createDocument({ openapi: '3.1.0', info: { title: 'ostler control API', version: release }, paths } as Parameters<typeof createDocument>[0]);
}

function operationOf({ path, summary, query, body, answers, isUpgrade }: Route): object {
  const content = Object.fromEntries(Object.entries(answers).map(([type, schema]) => [type, { schema }]));
  return {
    summary,
    requestParams: {
      ...(query === undefined ? {} : { query: query as z.ZodObject }),
      ...(path.includes(':name') ? { path: z.object({ name: z.string() }) } : {}),
    },
    ...(body === undefined ? {} : { requestBody: { content: { 'application/json': { schema: body } } } }),
    responses: { ...(isUpgrade ? { 101: { description: 'Frames go both ways' } } : { 200: { description: 'Done', content } }), default: problem },
  };
}
