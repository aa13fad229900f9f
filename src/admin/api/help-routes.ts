import { z } from 'zod';
import type { HelpRequest } from '../../users/help-request-store.ts';
import { checkNotSelf, checkTarget } from '../access.ts';
import { NotFound } from '../../errors.ts';
import { route, type Route } from './route.ts';
import { nullableTimestamp, pageFrom, pageOf, pageQuery, readCursor, reason, timestamp } from './schemas.ts';

const helpRequest = z
  .object({
    id: z.uuid(),
    user_id: z.uuid(),
    username: z.string(),
    message: z.string().describe('In the words of somebody who has proven nothing.'),
    address: z.string(),
    user_agent: z.string(),
    created_at: timestamp,
    answered_at: nullableTimestamp,
    answered_by: z.string().nullable(),
    answer: z.string().nullable(),
  })
  .meta({ id: 'HelpRequest' });

export const helpRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/help-requests',
    operationId: 'listHelpRequests',
    tag: 'Second factor',
    summary: 'List people who wait for help, the longest first',
    scope: 'admin:second-factor:read',
    sensitive: true,
    query: z.strictObject({
      open: z.enum(['true', 'false']).default('true').describe('Only those that wait.'),
      user: z.uuid().optional(),
      limit: pageQuery.limit,
      cursor: pageQuery.cursor,
    }),
    answers: { 200: { description: 'A page of requests.', schema: pageOf(helpRequest, 'HelpRequestPage') } },
    async handle({ services, query }) {
      const filter = { open: query.open === 'true', userId: query.user, after: readCursor(query.cursor) };
      const read = await services.helpRequests.list(filter, query.limit + 1);
      const page = pageFrom(read, query.limit, ({ id }) => id);
      const items = page.items.map(show);
      return { status: 200, body: { items, next_cursor: page.nextCursor }, read: { count: items.length } };
    },
  }),
  route({
    method: 'post',
    path: '/help-requests/{requestId}/answer',
    operationId: 'answerHelpRequest',
    tag: 'Second factor',
    summary: 'Close a request for help',
    description: 'The help itself is an act of its own: a reset, a reopening, a call.',
    scope: 'admin:second-factor',
    params: z.strictObject({ requestId: z.uuid() }),
    body: z.strictObject({ answer: reason }),
    answers: { 200: { description: 'The request.', schema: helpRequest } },
    problems: { 409: '`already_answered`.' },
    async handle({ services, params, body, actor, context }) {
      const asked = await services.helpRequests.find(params.requestId);
      const target = await services.findUser(asked.userId);
      if (target === undefined) throw new NotFound('no such request for help');
      checkNotSelf(actor, target.id);
      checkTarget(actor, target);
      const answered = await services.helpRequests.answer(params.requestId, body.answer, actor.id, context);
      return { status: 200, body: show(answered) };
    },
  }),
];

function show(one: HelpRequest): z.input<typeof helpRequest> {
  return {
    id: one.id,
    user_id: one.userId,
    username: one.username,
    message: one.message,
    address: one.address,
    user_agent: one.userAgent,
    created_at: one.createdAt.toISOString(),
    answered_at: one.answeredAt?.toISOString() ?? null,
    answered_by: one.answeredBy,
    answer: one.answer,
  };
}
