import { z } from 'zod';
import { auditEventTypes, type AuditEvent, type AuditEventType } from '../domain/audit-event.ts';

/** Every further fact that an event may bear, by its name: one name means one thing in all events. */
const facts = {
  acr: z.string(),
  amr: z.string().describe('Separated by spaces.'),
  authenticator: z.uuid(),
  authenticators: z.int().min(0),
  before: z.string(),
  after: z.string(),
  browser: z.string(),
  challenge: z.uuid(),
  client: z.string(),
  code: z.string().describe('A stable error code.'),
  count: z.int().min(0),
  events: z.int().min(0),
  failed: z.int().min(0),
  fields: z.string().describe('Names of what changed, separated by spaces; never values.'),
  grant: z.string(),
  head: z.string(),
  host: z.string(),
  key: z.string(),
  known: z.boolean().describe('Whether the browser had completed a sign-in of this person.'),
  lane: z.enum(['known', 'other']),
  last: z.boolean(),
  method: z.string(),
  month: z.string().regex(/^\d{4}-\d{2}$/),
  offset: z.int().describe('Time steps between the code and the service’s clock.'),
  path: z.string(),
  policy: z.string(),
  previous: z.string(),
  purpose: z.string(),
  recoveryCodes: z.boolean(),
  remaining: z.int().min(0),
  resource: z.string(),
  scopes: z.string().describe('Separated by spaces.'),
  secret: z.uuid().describe('The secret’s id; never the secret.'),
  session: z.string(),
  setting: z.string(),
  stepUp: z.boolean(),
  succeeded: z.int().min(0),
  tries: z.int().min(0),
  units: z.int().min(0),
  version: z.string(),
  webhook: z.uuid(),
} as const;

type Fact = keyof typeof facts;

const sessionFacts = ['session', 'client', 'count'] as const;
const clientFacts = ['client', 'fields', 'secret', 'code'] as const;

/** What each type may bear beside its fixed fields; a type that is not here bears nothing. */
const factsOf: { readonly [Type in AuditEventType]?: readonly Fact[] } = {
  'password.accepted': ['known', 'client'],
  'password.refused': ['known', 'client'],
  'password.changed': ['known'],
  'challenge.spent': ['challenge', 'lane', 'tries'],
  'challenge.abandoned': ['challenge', 'lane', 'tries'],
  'one-time-code.accepted': ['authenticator', 'offset', 'tries', 'lane', 'purpose'],
  'one-time-code.refused': ['authenticator', 'offset', 'tries', 'lane', 'purpose'],
  'recovery-code.accepted': ['remaining', 'tries', 'lane', 'purpose'],
  'recovery-code.refused': ['tries', 'lane', 'purpose'],
  'recovery-codes.replaced': ['count'],
  'lane.closed': ['lane', 'units'],
  'lane.opened': ['lane'],
  'second-factor.closed': ['units'],
  'second-factor.reset': ['authenticators', 'before', 'after'],
  'second-factor.reopened': ['before', 'after'],
  'second-factor.unreadable': ['authenticator', 'key'],
  'enrolment.started': ['authenticator'],
  'enrolment.confirmed': ['authenticator', 'recoveryCodes'],
  'enrolment.refused': ['authenticator', 'tries'],
  'enrolment.cancelled': ['authenticator'],
  'authenticator.imported': ['authenticator'],
  'authenticator.removed': ['authenticator', 'last'],
  'authenticator.renamed': ['authenticator'],
  'authenticator.restored': ['authenticators'],
  'trusted-browser.added': ['browser', 'client'],
  'trusted-browser.used': ['browser', 'client'],
  'trusted-browser.revoked': ['browser', 'count'],
  'browser.new': ['browser'],
  'brake.applied': ['count'],
  'brake.released': ['count'],
  'sign-in.completed': ['client', 'acr', 'amr', 'stepUp', 'session'],
  'sign-in.refused': ['client', 'code'],
  'step-up.completed': ['client', 'acr', 'amr', 'session'],
  'session.ended': sessionFacts,
  'consent.granted': ['client', 'scopes', 'grant'],
  'consent.refused': ['client', 'scopes'],
  'consent.revoked': ['client', 'grant', 'count'],
  'code.reused': ['client', 'grant'],
  'token.reused': ['client', 'grant'],
  'backchannel.requested': ['client', 'scopes'],
  'backchannel.approved': ['client', 'scopes', 'acr', 'amr'],
  'backchannel.refused': ['client', 'scopes'],
  'token.exchanged': ['client', 'resource', 'scopes'],
  'token-family.revoked': ['client', 'grant', 'count'],
  'user.created': ['fields'],
  'user.imported': ['authenticators', 'recoveryCodes'],
  'user.changed': ['fields', 'before', 'after'],
  'user.exported': ['count'],
  'link.issued': ['purpose'],
  'link.used': ['purpose'],
  'not-me.used': ['authenticators', 'recoveryCodes', 'fields'],
  'relying-party.created': clientFacts,
  'relying-party.changed': clientFacts,
  'relying-party.deleted': clientFacts,
  'relying-party.secret-added': clientFacts,
  'relying-party.secret-removed': clientFacts,
  'relying-party.refused': clientFacts,
  'signing-key.created': ['key'],
  'signing-key.rotated': ['key', 'previous'],
  'signing-key.revoked': ['key'],
  'encryption-key.rotated': ['key', 'previous', 'count'],
  'policy.changed': ['policy', 'before', 'after'],
  'settings.weakened': ['setting'],
  'service.started': ['version'],
  'import.started': ['count'],
  'import.completed': ['count', 'succeeded', 'failed'],
  'operator.read': ['resource', 'count', 'path'],
  'access.refused': ['method', 'path', 'code', 'scopes', 'client'],
  'request.refused': ['method', 'path', 'code'],
  'outbound.refused': ['host', 'code', 'client'],
  'webhook.created': ['webhook', 'host'],
  'webhook.changed': ['webhook', 'fields'],
  'webhook.deleted': ['webhook'],
  'audit.exported': ['count'],
  'backup.restored': ['authenticators', 'count', 'recoveryCodes'],
  'audit.pruned': ['month', 'events'],
};

function detailsSchema(type: AuditEventType) {
  const shape: Record<string, z.ZodType> = {};
  for (const name of factsOf[type] ?? []) shape[name] = facts[name].nullable().optional();
  return z.strictObject(shape);
}

/** The schema of each type's details. */
export const detailSchemas = Object.fromEntries(
  (Object.keys(auditEventTypes) as AuditEventType[]).map((type) => [type, detailsSchema(type)]),
) as Readonly<Record<AuditEventType, z.ZodObject>>;

/** What is wrong with an event's details: nothing, as a rule. A fault never keeps an event from being recorded. */
export function faultsOfEvent({ type, details = {} }: Pick<AuditEvent, 'type' | 'details'>): string[] {
  const schema = Object.hasOwn(detailSchemas, type) ? detailSchemas[type] : undefined;
  if (schema === undefined) return [`${type}: there is no such event`];
  const { error } = schema.safeParse(details);
  return (error?.issues ?? []).map(({ path, message }) => `${type}: ${path.join('.')}: ${message}`);
}

/** The JSON Schema of a recorded event of one type, as the admin API, the export and the sinks show it. */
export function shownEventSchema(type: AuditEventType) {
  return z
    .strictObject({
      id: z.string(),
      at: z.iso.datetime(),
      type: z.literal(type),
      actor: z.string(),
      target: z.string(),
      result: z.enum(['success', 'failure']),
      reason: z.string().nullable(),
      details: detailSchemas[type],
      request_id: z.string(),
      address: z.string().nullable().describe('Null once the person was erased.'),
      user_agent: z.string().nullable(),
      personal: z.record(z.string(), z.string()).nullable(),
    })
    .describe(auditEventTypes[type]);
}
