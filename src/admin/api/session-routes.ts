import { z } from 'zod';
import { NotFound } from '../../errors.ts';
import { checkTarget, type Actor } from '../access.ts';
import { route, type Route } from './route.ts';
import { pageFrom, pageOf, pageQuery, readCursor, timestamp, whyInput } from './schemas.ts';
import { findTarget } from './user-routes.ts';
import { userParams } from './user-schemas.ts';

const session = z
  .object({
    id: z.string(),
    user_agent: z.string(),
    address: z.string(),
    started_at: timestamp,
    last_seen_at: timestamp,
    clients: z.array(z.string()).describe('Relying parties that used it.'),
  })
  .meta({ id: 'Session' });

const grant = z
  .object({
    id: z.string(),
    client_id: z.string(),
    scopes: z.array(z.string()),
    created_at: timestamp,
    expires_at: timestamp,
  })
  .meta({ id: 'Grant', description: 'What a relying party was granted; its refresh tokens end with it.' });

const gone = { 204: { description: 'Ended.', schema: null } };
const pages = z.strictObject(pageQuery);
const opaqueId = z.string().min(1).max(200);

export const sessionRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/users/{id}/sessions',
    operationId: 'listSessions',
    tag: 'Sessions',
    summary: 'List a person’s sessions',
    scope: 'admin:sessions:read',
    sensitive: true,
    params: userParams,
    query: pages,
    answers: { 200: { description: 'A page of sessions.', schema: pageOf(session, 'SessionPage') } },
    async handle({ services, params, query }) {
      await mustExist(services.findUser, params.id);
      const after = readCursor(query.cursor) ?? '';
      const all = (await services.sessions.list(params.id)).toSorted((a, b) => (a.uid < b.uid ? -1 : 1));
      const page = pageFrom(
        all.filter(({ uid }) => uid > after),
        query.limit,
        ({ uid }) => uid,
      );
      const items = page.items.map((one) => ({
        id: one.uid,
        user_agent: one.userAgent,
        address: one.address,
        started_at: one.startedAt.toISOString(),
        last_seen_at: one.lastSeenAt.toISOString(),
        clients: [...one.clientIds],
      }));
      const total = query.total ? { total: all.length } : {};
      const read = { target: params.id, count: items.length };
      return { status: 200, body: { items, next_cursor: page.nextCursor, ...total }, read };
    },
  }),
  route({
    method: 'delete',
    path: '/users/{id}/sessions',
    operationId: 'endSessions',
    tag: 'Sessions',
    summary: 'End all sessions and refresh tokens of a person',
    scope: 'admin:sessions',
    params: userParams,
    body: whyInput,
    bodyOptional: true,
    answers: gone,
    async handle(call) {
      const { services, params, actor, context, body } = call;
      await findTarget(call);
      await services.sessions.endAllOf(params.id, actor.id, context, body?.reason);
      return { status: 204 };
    },
  }),
  route({
    method: 'delete',
    path: '/users/{id}/sessions/{sessionId}',
    operationId: 'endSession',
    tag: 'Sessions',
    summary: 'End one session',
    scope: 'admin:sessions',
    params: z.strictObject({ ...userParams.shape, sessionId: opaqueId }),
    body: whyInput,
    bodyOptional: true,
    answers: gone,
    async handle(call) {
      const { services, params, actor, context, body } = call;
      await findTarget(call);
      if (!(await services.sessions.end(params.id, params.sessionId, actor.id, context, body?.reason))) {
        throw new NotFound('this person has no such session');
      }
      return { status: 204 };
    },
  }),
  route({
    method: 'get',
    path: '/users/{id}/grants',
    operationId: 'listGrants',
    tag: 'Sessions',
    summary: 'List what relying parties were granted',
    scope: 'admin:sessions:read',
    sensitive: true,
    params: userParams,
    query: pages,
    answers: { 200: { description: 'A page of grants.', schema: pageOf(grant, 'GrantPage') } },
    async handle({ services, params, query }) {
      await mustExist(services.findUser, params.id);
      const { listGrants } = services.sessions;
      const read = await listGrants(params.id, query.limit + 1, readCursor(query.cursor));
      const page = pageFrom(read, query.limit, ({ id }) => id);
      const items = page.items.map((one) => ({
        id: one.id,
        client_id: one.clientId,
        scopes: [...one.scopes],
        created_at: one.createdAt.toISOString(),
        expires_at: one.expiresAt.toISOString(),
      }));
      const total = query.total ? { total: (await listGrants(params.id, 10_000, undefined)).length } : {};
      return {
        status: 200,
        body: { items, next_cursor: page.nextCursor, ...total },
        read: { target: params.id, count: items.length },
      };
    },
  }),
  route({
    method: 'delete',
    path: '/users/{id}/grants',
    operationId: 'revokeGrants',
    tag: 'Sessions',
    summary: 'Revoke every grant of a person',
    scope: 'admin:sessions',
    params: userParams,
    answers: gone,
    async handle(call) {
      const { services, params, actor, context } = call;
      await findTarget(call);
      await services.sessions.endGrants(params.id, actor.id, context);
      return { status: 204 };
    },
  }),
  route({
    method: 'delete',
    path: '/users/{id}/grants/{grantId}',
    operationId: 'revokeGrant',
    tag: 'Sessions',
    summary: 'Revoke one grant and its tokens',
    scope: 'admin:sessions',
    params: z.strictObject({ ...userParams.shape, grantId: opaqueId }),
    body: whyInput,
    bodyOptional: true,
    answers: gone,
    async handle(call) {
      const { services, params, actor, context, body } = call;
      await findTarget(call);
      if (!(await services.sessions.endGrant(params.id, params.grantId, actor.id, context, body?.reason))) {
        throw new NotFound('this person has no such grant');
      }
      return { status: 204 };
    },
  }),
  route({
    method: 'delete',
    path: '/sessions',
    operationId: 'endEverybodysSessions',
    tag: 'Sessions',
    summary: 'End every session and refresh token of everybody',
    description: 'Needs the role `operator`, or the scope `admin:users` beside, since operators are signed out too.',
    scope: 'admin:sessions',
    answers: {
      200: {
        description: 'How many sessions ended.',
        schema: z.object({ sessions: z.int() }).meta({ id: 'EndedSessions' }),
      },
    },
    problems: { 403: '`target_has_role`.' },
    async handle({ services, actor, context }) {
      checkEverybody(actor);
      return { status: 200, body: { sessions: await services.sessions.endEverybodys(actor.id, context) } };
    },
  }),
];

function checkEverybody(actor: Actor): void {
  checkTarget(actor, { roles: ['operator'] });
}

async function mustExist(find: (id: string) => Promise<unknown>, id: string): Promise<void> {
  if ((await find(id)) === undefined) throw new NotFound('no such user');
}
