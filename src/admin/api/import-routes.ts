import { z } from 'zod';
import { route, type Route } from './route.ts';

const importedLine = z
  .object({
    line: z.int(),
    username: z.string().nullable(),
    result: z.enum(['created', 'updated', 'refused']),
    reason: z.string().optional(),
  })
  .meta({ id: 'ImportedLine' });

export const importRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/users/import',
    operationId: 'importUsers',
    tag: 'Users',
    summary: 'Import people from another system',
    description:
      'One JSON object a line. Each line is taken whole or refused, and the others go on; the answer has a line for ' +
      'each. An existing person is refused unless the line says `"update": true`.',
    scope: 'admin:users',
    streams: 'application/x-ndjson',
    answers: {
      200: { description: 'What became of each line.', schema: importedLine, contentType: 'application/x-ndjson' },
    },
    async handle({ services, request, actor, context }) {
      const keys = services.fernetKeys();
      return { status: 200, lines: answers(services.importUsers(linesOf(request), keys, actor.id, context)) };
    },
  }),
];

async function* answers(results: AsyncIterable<object>): AsyncGenerator<string, void, void> {
  for await (const result of results) yield `${JSON.stringify(result)}\n`;
}

const longestLine = 65_536;

/**
 * The lines of a body, read as they are asked for: whoever sends faster waits. Of a line that is longer than any may
 * be only its beginning is kept, for the refusal.
 */
async function* linesOf(request: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of request) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = (parts.pop() ?? '').slice(0, longestLine + 1);
    for (const line of parts) yield line.replace(/\r$/, '');
  }
  rest += decoder.decode();
  if (rest !== '') yield rest;
}
