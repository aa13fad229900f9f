import { z } from 'zod';
import { signingAlgorithms } from '../../domain/signing-key.ts';
import type { ShownSigningKey } from '../../provider/manage-signing-keys.ts';
import { route, type Route } from './route.ts';
import { nullableTimestamp, reason, timestamp } from './schemas.ts';

const algorithm = z.enum([...signingAlgorithms]);

export const signingKey = z
  .object({
    kid: z.string(),
    algorithm,
    state: z.enum(['published', 'active', 'retired', 'revoked']),
    public_jwk: z.record(z.string(), z.unknown()).describe('The public part; the private one never leaves.'),
    published_at: timestamp,
    activated_at: nullableTimestamp,
    retired_at: nullableTimestamp,
    revoked_at: nullableTimestamp,
  })
  .meta({ id: 'SigningKey', description: 'Published ahead, then active, then retired until what it signed expired.' });

const list = z.object({ items: z.array(signingKey), next_cursor: z.null() }).meta({ id: 'SigningKeyPage' });

export const keyRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/signing-keys',
    operationId: 'listSigningKeys',
    tag: 'Signing keys',
    summary: 'List signing keys, newest first',
    scope: 'admin:keys:read',
    answers: { 200: { description: 'All that are not forgotten.', schema: list } },
    async handle({ services }) {
      const items = (await services.manageSigningKeys.list()).map(show);
      return { status: 200, body: { items, next_cursor: null } };
    },
  }),
  route({
    method: 'post',
    path: '/signing-keys/rotate',
    operationId: 'rotateSigningKeys',
    tag: 'Signing keys',
    summary: 'Publish successors',
    description: 'They sign once relying parties can know them. With one waiting already nothing is made.',
    scope: 'admin:keys',
    body: z.strictObject({ algorithm: algorithm.optional() }),
    bodyOptional: true,
    answers: { 200: { description: 'The keys that wait.', schema: list } },
    async handle({ services, body, actor, context }) {
      const items = (await services.manageSigningKeys.rotate(actor.id, context, body?.algorithm)).map(show);
      return { status: 200, body: { items, next_cursor: null } };
    },
  }),
  route({
    method: 'post',
    path: '/signing-keys/{kid}/revoke',
    operationId: 'revokeSigningKey',
    tag: 'Signing keys',
    summary: 'Withdraw a key at once',
    description: 'An emergency: everything it signed is void within a minute, and its successor signs.',
    scope: 'admin:keys',
    params: z.strictObject({ kid: z.string().min(1).max(200) }),
    body: z.strictObject({ reason }),
    answers: { 200: { description: 'The key.', schema: signingKey } },
    problems: { 409: '`key_revoked`.' },
    async handle({ services, params, body, actor, context }) {
      const key = await services.manageSigningKeys.revoke(params.kid, body.reason, actor.id, context);
      return { status: 200, body: show(key) };
    },
  }),
];

function show(key: ShownSigningKey): z.input<typeof signingKey> {
  return {
    kid: key.kid,
    algorithm: key.algorithm,
    state: key.state,
    public_jwk: { ...key.publicJwk },
    published_at: key.publishedAt.toISOString(),
    activated_at: key.activatedAt?.toISOString() ?? null,
    retired_at: key.retiredAt?.toISOString() ?? null,
    revoked_at: key.revokedAt?.toISOString() ?? null,
  };
}
