import { z } from 'zod';
import { auditEventTypes } from '../../domain/audit-event.ts';
import { previousSecretSeconds } from '../../notifications/manage-webhooks.ts';
import type { Webhook, WebhookMessage } from '../../notifications/webhook-store.ts';
import { route, type Route } from './route.ts';
import { nullableTimestamp, pageFrom, pageOf, pageQuery, readCursor, timestamp } from './schemas.ts';
import { InvalidInput } from '../../errors.ts';

const params = z.strictObject({ webhookId: z.uuid() });
const types = Object.keys(auditEventTypes);
const families = [...new Set(types.map((type) => `${type.slice(0, type.indexOf('.'))}.*`))];
const eventTypes = z
  .array(z.enum(['*', ...families, ...types]))
  .min(1)
  .max(200)
  .describe('Types (`user.created`), families (`user.*`), or `*` for all.');
const url = z.string().min(1).max(2000).describe('https, and public but for TWOFOLD_OUTBOUND_ALLOWED.');
const description = z
  .string()
  .max(200)
  .regex(/^\P{Cc}*$/u, 'has no control characters');

const webhook = z
  .object({
    id: z.uuid(),
    url: z.string(),
    description: z.string(),
    event_types: z.array(z.string()),
    enabled: z.boolean(),
    previous_secret_until: nullableTimestamp.describe('Until when the replaced secret signs too.'),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'Webhook' });

const withSecret = z
  .object({ ...webhook.shape, secret: z.string().describe('`whsec_…` (Standard Webhooks); shown this once.') })
  .meta({ id: 'WebhookWithSecret' });

const message = z
  .object({
    id: z.uuid().describe('What the receiver sees as `webhook-id`.'),
    type: z.string(),
    event: z.string().nullable().describe('The id of the event; null for a test.'),
    state: z.enum(['waiting', 'delivered', 'failed']),
    created_at: timestamp,
    next_try_at: nullableTimestamp,
    attempts: z.array(
      z.object({
        number: z.int(),
        at: timestamp,
        status: z.int().nullable().describe('Null where no answer came.'),
        error: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'WebhookMessage' });

const readOnly = ['id', 'secret', 'previous_secret_until', 'created_at', 'updated_at', 'version'];
const tag = 'Webhooks';

export const webhookRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/webhooks',
    operationId: 'listWebhooks',
    tag,
    summary: 'List webhooks',
    scope: 'admin:audit:read',
    answers: {
      200: {
        description: 'All of them.',
        schema: z.object({ items: z.array(webhook), next_cursor: z.null() }).meta({ id: 'WebhookPage' }),
      },
    },
    async handle({ services }) {
      const items = (await services.manageWebhooks.list()).map(showWebhook);
      return { status: 200, body: { items, next_cursor: null } };
    },
  }),
  route({
    method: 'post',
    path: '/webhooks',
    operationId: 'createWebhook',
    tag,
    summary: 'Send events to an address',
    scope: 'admin:audit',
    body: z
      .strictObject({ url, event_types: eventTypes, description: description.optional() })
      .meta({ id: 'NewWebhook' }),
    readOnly: [...readOnly, 'enabled'],
    versioned: true,
    answers: { 201: { description: 'The webhook and its secret.', schema: withSecret } },
    problems: { 409: '`too_many_webhooks`.' },
    async handle({ services, body, actor, context }) {
      const wanted = { url: body.url, eventTypes: body.event_types, description: body.description };
      const made = await services.manageWebhooks.add(wanted, actor.id, context);
      return {
        status: 201,
        version: made.webhook.version,
        location: `/webhooks/${made.webhook.id}`,
        body: { ...showWebhook(made.webhook), secret: made.secret },
      };
    },
  }),
  route({
    method: 'get',
    path: '/webhooks/{webhookId}',
    operationId: 'getWebhook',
    tag,
    summary: 'Show a webhook',
    scope: 'admin:audit:read',
    params,
    versioned: true,
    answers: { 200: { description: 'The webhook.', schema: webhook } },
    async handle({ services, params: { webhookId } }) {
      const found = await services.manageWebhooks.find(webhookId);
      return { status: 200, body: showWebhook(found), version: found.version };
    },
  }),
  route({
    method: 'patch',
    path: '/webhooks/{webhookId}',
    operationId: 'updateWebhook',
    tag,
    summary: 'Change a webhook, or turn it off',
    scope: 'admin:audit',
    params,
    body: z
      .strictObject({
        url: url.optional(),
        event_types: eventTypes.optional(),
        description: description.optional(),
        enabled: z.boolean().optional(),
      })
      .meta({ id: 'WebhookChange' }),
    readOnly,
    versioned: true,
    answers: { 200: { description: 'The webhook.', schema: webhook } },
    async handle({ services, params: { webhookId }, body, actor, context, ifVersion }) {
      const change = {
        ...(body.url !== undefined && { url: body.url }),
        ...(body.event_types !== undefined && { eventTypes: body.event_types }),
        ...(body.description !== undefined && { description: body.description }),
        ...(body.enabled !== undefined && { enabled: body.enabled }),
      };
      const changed = await services.manageWebhooks.change(webhookId, change, actor.id, context, ifVersion);
      return { status: 200, body: showWebhook(changed), version: changed.version };
    },
  }),
  route({
    method: 'delete',
    path: '/webhooks/{webhookId}',
    operationId: 'deleteWebhook',
    tag,
    summary: 'Delete a webhook',
    description: 'What waits for it is not sent.',
    scope: 'admin:audit',
    params,
    versioned: true,
    answers: { 204: { description: 'Gone.', schema: null } },
    async handle({ services, params: { webhookId }, actor, context, ifVersion }) {
      await services.manageWebhooks.remove(webhookId, actor.id, context, ifVersion);
      return { status: 204 };
    },
  }),
  route({
    method: 'post',
    path: '/webhooks/{webhookId}/rotate-secret',
    operationId: 'rotateWebhookSecret',
    tag,
    summary: 'Replace the secret',
    description: 'Until the one before it ends, each message bears a signature by either.',
    scope: 'admin:audit',
    params,
    body: z.strictObject({
      previous_expires_in: z.int().min(0).max(2_592_000).optional().describe('Seconds; a day where left out.'),
    }),
    bodyOptional: true,
    answers: { 200: { description: 'The webhook and its new secret.', schema: withSecret } },
    async handle({ services, params: { webhookId }, body, actor, context }) {
      const seconds = body?.previous_expires_in ?? previousSecretSeconds;
      const made = await services.manageWebhooks.rotateSecret(webhookId, seconds, actor.id, context);
      return { status: 200, body: { ...showWebhook(made.webhook), secret: made.secret } };
    },
  }),
  route({
    method: 'post',
    path: '/webhooks/{webhookId}/test',
    operationId: 'testWebhook',
    tag,
    summary: 'Send a message that tells of no event',
    description: 'Its type is `webhook.test`. What became of it stands among the attempts.',
    scope: 'admin:audit',
    params,
    answers: {
      202: { description: 'It will be sent.', schema: z.object({ id: z.uuid() }).meta({ id: 'WebhookTest' }) },
    },
    problems: { 409: '`webhook_disabled`.' },
    handle: async ({ services, params: { webhookId } }) => ({
      status: 202,
      body: { id: await services.manageWebhooks.test(webhookId) },
    }),
  }),
  route({
    method: 'get',
    path: '/webhooks/{webhookId}/attempts',
    operationId: 'listWebhookAttempts',
    tag,
    summary: 'List messages and their attempts, newest first',
    description: 'Kept for 30 days after they were delivered or given up.',
    scope: 'admin:audit:read',
    params,
    query: z.strictObject({ limit: pageQuery.limit, cursor: pageQuery.cursor }),
    answers: { 200: { description: 'A page of messages.', schema: pageOf(message, 'WebhookMessagePage') } },
    async handle({ services, params: { webhookId }, query }) {
      const after = readCursor(query.cursor);
      if (after !== undefined && !z.uuid().safeParse(after).success) {
        throw new InvalidInput('cursor', 'this cursor was not made here');
      }
      const read = await services.manageWebhooks.listMessages(webhookId, query.limit + 1, after);
      const page = pageFrom(read, query.limit, ({ id }) => id);
      return { status: 200, body: { items: page.items.map(showMessage), next_cursor: page.nextCursor } };
    },
  }),
];

/** A webhook as the API and the command line show it; never its secrets. */
export function showWebhook(shown: Webhook): z.input<typeof webhook> {
  return {
    id: shown.id,
    url: shown.url,
    description: shown.description,
    event_types: [...shown.eventTypes],
    enabled: shown.disabledAt === null,
    previous_secret_until: shown.previousUntil?.toISOString() ?? null,
    created_at: shown.createdAt.toISOString(),
    updated_at: shown.updatedAt.toISOString(),
  };
}

/** A message as the API and the command line show it. */
export function showMessage(shown: WebhookMessage): z.input<typeof message> {
  return {
    id: shown.id,
    type: shown.type,
    event: shown.event,
    state: shown.state,
    created_at: shown.createdAt.toISOString(),
    next_try_at: shown.nextTryAt?.toISOString() ?? null,
    attempts: shown.attempts.map(({ number, at, status, error }) => ({ number, at: at.toISOString(), status, error })),
  };
}
