import { z } from 'zod';
import type { AuditFilter } from '../../audit/audit-log.ts';
import { exportAudit, showAuditEvent } from '../../audit/export.ts';
import { auditEventTypes, type AuditEventType } from '../../domain/audit-event.ts';
import { NotFound } from '../../errors.ts';
import { route, type Route } from './route.ts';
import { pageOf, pageQuery, timestamp } from './schemas.ts';

const types = Object.keys(auditEventTypes) as [AuditEventType, ...AuditEventType[]];
const type = z.enum(types).meta({ id: 'AuditEventType' });
const mostCounted = 1_000_000;

const event = z
  .object({
    id: z.string(),
    at: timestamp,
    type: z.string(),
    actor: z.string().describe('A user’s id, `client:<id>`, `command-line`, `service` or `anonymous`.'),
    target: z.string(),
    result: z.enum(['success', 'failure']),
    reason: z.string().nullable(),
    details: z.record(z.string(), z.unknown()),
    request_id: z.string(),
    address: z.string().nullable().describe('Null once the person was erased.'),
    user_agent: z.string().nullable(),
    personal: z.record(z.string(), z.string()).nullable(),
  })
  .meta({ id: 'AuditEvent' });

const filters = {
  type: type.optional(),
  actor: z.string().max(300).optional(),
  target: z.string().max(300).optional(),
  person: z.uuid().optional().describe('Events a person did or that concern them.'),
  result: z.enum(['success', 'failure']).optional(),
  request_id: z.string().max(100).optional().describe('Everything one request did: the trace of a reference.'),
  from: timestamp.optional().describe('From this moment on.'),
  to: timestamp.optional().describe('Before this moment.'),
};

type Filters = z.output<z.ZodObject<typeof filters>>;

export const auditRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/audit-events',
    operationId: 'listAuditEvents',
    tag: 'Audit',
    summary: 'List what happened, newest first',
    scope: 'admin:audit:read',
    sensitive: true,
    query: z.strictObject({ ...filters, ...pageQuery }),
    answers: { 200: { description: 'A page of events.', schema: pageOf(event, 'AuditEventPage') } },
    async handle({ services, query }) {
      const filter = filterOf(query);
      const page = await services.auditReader.list(filter, { limit: query.limit, cursor: query.cursor });
      const total = query.total ? { total: await services.auditReader.count(filter, mostCounted) } : {};
      const items = page.items.map(showAuditEvent);
      return { status: 200, body: { items, next_cursor: page.nextCursor, ...total }, read: { count: items.length } };
    },
  }),
  route({
    method: 'get',
    path: '/audit-events/export',
    operationId: 'exportAuditEvents',
    tag: 'Audit',
    summary: 'Export what happened, oldest first, one event a line',
    scope: 'admin:audit:read',
    query: z.strictObject(filters),
    answers: {
      200: { description: 'Events, one a line.', schema: event, contentType: 'application/x-ndjson' },
    },
    async handle({ services, query, actor, context }) {
      const filter = filterOf(query);
      const count = await services.auditReader.count(filter, mostCounted);
      await services.record({
        type: 'audit.exported',
        actor: actor.id,
        target: '',
        result: 'success',
        details: { count },
        context,
      });
      return { status: 200, lines: exportAudit(services.auditReader, filter) };
    },
  }),
  route({
    method: 'get',
    path: '/audit-events/verify',
    operationId: 'verifyAudit',
    tag: 'Audit',
    summary: 'Check the chain: whether an event was edited, removed, inserted or moved',
    scope: 'admin:audit:read',
    answers: {
      200: {
        description: 'What was found.',
        schema: z
          .object({
            result: z.enum(['intact', 'broken']),
            seals: z.int(),
            events: z.int(),
            dropped: z.int().describe('Events whose month was dropped after its time.'),
            unchecked: z.int().describe('Seals under keys that left the ring; a later one vouches for them.'),
            breaks: z.array(
              z.object({
                kind: z.string(),
                seal: z.int().optional(),
                event: z.string().optional(),
                month: z.string().optional(),
              }),
            ),
            head: z.object({ number: z.int(), hash: z.string() }).nullable().describe('Write it down elsewhere.'),
          })
          .meta({ id: 'AuditVerification' }),
      },
    },
    async handle({ services }) {
      const { kind, ...report } = await services.verifyAudit();
      return { status: 200, body: { result: kind, ...report } };
    },
  }),
  route({
    method: 'get',
    path: '/audit-events/{eventId}',
    operationId: 'getAuditEvent',
    tag: 'Audit',
    summary: 'Show one event',
    scope: 'admin:audit:read',
    sensitive: true,
    params: z.strictObject({ eventId: z.string().regex(/^\d{1,18}$/, 'is a number') }),
    answers: { 200: { description: 'The event.', schema: event } },
    async handle({ services, params }) {
      const found = await services.auditReader.find(params.eventId);
      if (found === undefined) throw new NotFound('no such event');
      return { status: 200, body: showAuditEvent(found), read: { count: 1 } };
    },
  }),
];

function filterOf(query: Filters): AuditFilter {
  return {
    ...(query.type === undefined ? {} : { types: [query.type] }),
    ...(query.actor === undefined ? {} : { actor: query.actor }),
    ...(query.target === undefined ? {} : { target: query.target }),
    ...(query.person === undefined ? {} : { person: query.person }),
    ...(query.result === undefined ? {} : { result: query.result }),
    ...(query.request_id === undefined ? {} : { requestId: query.request_id }),
    ...(query.from === undefined ? {} : { from: new Date(query.from) }),
    ...(query.to === undefined ? {} : { to: new Date(query.to) }),
  };
}
