import { z } from 'zod';
import { asRequest, type ShownRelyingParty } from '../../relying-parties/administer-relying-parties.ts';
import { route, type Route } from './route.ts';
import { nullableTimestamp, pageFrom, pageOf, pageQuery, readCursor, searchText, timestamp } from './schemas.ts';

const clientId = z.string().regex(/^[\w.~:-]{1,200}$/, 'is 1 to 200 letters, digits, or signs of -._~:');
const params = z.strictObject({ client_id: z.string().min(1).max(200) });
const address = z.string().max(2000);
const addresses = z.array(address).max(100);
const text = z.string().max(500);
const algorithm = z.string().max(40);
const names = z.array(text.min(1)).min(1).max(50);

const metadata = {
  client_name: text,
  client_uri: address,
  logo_uri: address,
  policy_uri: address,
  tos_uri: address,
  contacts: z.array(text).max(20),
  redirect_uris: addresses,
  post_logout_redirect_uris: addresses,
  grant_types: z
    .array(
      z.enum([
        'authorization_code',
        'refresh_token',
        'client_credentials',
        'urn:ietf:params:oauth:grant-type:device_code',
        'urn:ietf:params:oauth:grant-type:token-exchange',
        'urn:openid:params:grant-type:ciba',
      ]),
    )
    .max(10),
  response_types: z.array(z.literal('code')).max(1),
  application_type: z.enum(['web', 'native']),
  token_endpoint_auth_method: z.enum([
    'client_secret_basic',
    'client_secret_post',
    'client_secret_jwt',
    'private_key_jwt',
    'tls_client_auth',
    'self_signed_tls_client_auth',
    'none',
  ]),
  scope: z.string().max(2000).describe('Scopes of our own APIs that it may ask for stand here too.'),
  jwks: z.strictObject({ keys: z.array(z.record(z.string(), z.unknown())).max(20) }),
  jwks_uri: address,
  default_acr_values: z.array(text).max(10),
  id_token_signed_response_alg: z.enum(['RS256', 'ES256', 'EdDSA']),
  subject_type: z.enum(['public', 'pairwise']),
  sector_identifier_uri: address,
  backchannel_logout_uri: address,
  backchannel_token_delivery_mode: z.enum(['poll', 'ping']),
  backchannel_client_notification_endpoint: address,
  backchannel_authentication_request_signing_alg: algorithm,
  backchannel_logout_session_required: z.boolean(),
  dpop_bound_access_tokens: z.boolean(),
  require_pushed_authorization_requests: z.boolean(),
  tls_client_certificate_bound_access_tokens: z.boolean(),
  tls_client_auth_subject_dn: text.describe('As in RFC 4514; of these five give one (RFC 8705).'),
  tls_client_auth_san_dns: text,
  tls_client_auth_san_uri: address,
  tls_client_auth_san_ip: text,
  tls_client_auth_san_email: text,
  allowed_cors_origins: addresses,
  default_max_age: z.int().min(0).max(31_536_000),
  require_auth_time: z.boolean(),
  token_endpoint_auth_signing_alg: algorithm,
  id_token_encrypted_response_alg: algorithm,
  id_token_encrypted_response_enc: algorithm,
  userinfo_signed_response_alg: algorithm,
  userinfo_encrypted_response_alg: algorithm,
  userinfo_encrypted_response_enc: algorithm,
  introspection_signed_response_alg: algorithm,
  authorization_signed_response_alg: algorithm,
  request_object_signing_alg: algorithm,
  require_signed_request_object: z.boolean(),
  twofold_fapi_profile: z.enum(['security', 'message-signing']).describe('FAPI 2.0: turns on what it demands.'),
  authorization_details_types: z
    .array(text)
    .max(50)
    .describe('Types of rich authorization requests (RFC 9396) that it may send.'),
  twofold_token_exchange: z
    .strictObject({ subject_clients: names, subject_audiences: names, audiences: names })
    .describe(
      'What it may exchange (RFC 8693): tokens of these clients, for these audiences, against tokens for these.',
    ),
};

const ours = {
  require_pkce: z.boolean().describe('True unless an operator lifts it for a confidential client.'),
  first_party: z.boolean().describe('Our own or the operator’s: consent is not asked.'),
  acr_values: z.array(text).max(10).describe('What every sign-in for it needs.'),
};

const changeable = { ...metadata, ...ours };
const optional = Object.fromEntries(Object.entries(changeable).map(([name, schema]) => [name, schema.optional()])) as {
  [Name in keyof typeof changeable]: z.ZodOptional<(typeof changeable)[Name]>;
};
const nullable = Object.fromEntries(
  Object.entries(changeable).map(([name, schema]) => [name, schema.nullable().optional()]),
) as { [Name in keyof typeof changeable]: z.ZodOptional<z.ZodNullable<(typeof changeable)[Name]>> };

const newClient = z
  .strictObject({
    client_id: clientId.optional().describe('Made where it is left out.'),
    client_secret: z.string().min(32).max(500).optional().describe('Made where it is needed and left out.'),
    ...optional,
  })
  .meta({ id: 'NewClient', description: 'In the names of RFC 7591, and ours.' });

const clientChange = z
  .strictObject(nullable)
  .refine((value) => Object.keys(value).length > 0, 'holds nothing to change')
  .meta({ id: 'ClientChange', description: 'What is left out stays; null takes a field away.' });

const secret = z
  .object({
    id: z.uuid(),
    created_at: timestamp,
    expires_at: nullableTimestamp.describe('Null: it is valid until it is deleted.'),
  })
  .meta({ id: 'ClientSecret', description: 'A secret that is valid; never the secret itself.' });

const client = z
  .object({
    client_id: z.string(),
    ...(Object.fromEntries(
      Object.entries(metadata).map(([name]) => [name, z.unknown().optional().describe('As in RFC 7591.')]),
    ) as { [Name in keyof typeof metadata]: z.ZodOptional<z.ZodUnknown> }),
    ...ours,
    secrets: z.array(secret),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'Client' });

const readOnly = ['secrets', 'created_at', 'updated_at', 'version', 'client_id_issued_at'];

export const clientRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/clients',
    operationId: 'listClients',
    tag: 'Relying parties',
    summary: 'List relying parties',
    description: 'By `client_id`. `query` is how a `client_id` or a name begins.',
    scope: 'admin:clients:read',
    query: z.strictObject({ query: searchText, ...pageQuery }),
    answers: { 200: { description: 'A page of relying parties.', schema: pageOf(client, 'ClientPage') } },
    async handle({ services, query }) {
      const read = await services.relyingParties.page(query.query, query.limit + 1, readCursor(query.cursor));
      const page = pageFrom(read, query.limit, (shown) => shown.relyingParty.clientId);
      const total = query.total ? { total: await services.relyingParties.count(query.query) } : {};
      return { status: 200, body: { items: page.items.map(showClient), next_cursor: page.nextCursor, ...total } };
    },
  }),
  route({
    method: 'post',
    path: '/clients',
    operationId: 'createClient',
    tag: 'Relying parties',
    summary: 'Register a relying party',
    scope: 'admin:clients',
    body: newClient,
    readOnly,
    versioned: true,
    answers: {
      201: {
        description: 'The relying party; with the secret where one was made, this once.',
        schema: z.object({ ...client.shape, client_secret: z.string().optional() }).meta({ id: 'CreatedClient' }),
      },
    },
    problems: { 409: '`client_exists`.' },
    async handle({ services, body, actor, context }) {
      const made = await services.relyingParties.create(given(body), actor.id, context);
      return {
        status: 201,
        version: made.relyingParty.version,
        location: `/clients/${encodeURIComponent(made.relyingParty.clientId)}`,
        body: { ...showClient(made), ...(made.secret === null ? {} : { client_secret: made.secret }) },
      };
    },
  }),
  route({
    method: 'get',
    path: '/clients/{client_id}',
    operationId: 'getClient',
    tag: 'Relying parties',
    summary: 'Show a relying party',
    scope: 'admin:clients:read',
    params,
    versioned: true,
    answers: { 200: { description: 'The relying party.', schema: client } },
    async handle({ services, params: { client_id: id } }) {
      const shown = await services.relyingParties.find(id);
      return { status: 200, body: showClient(shown), version: shown.relyingParty.version };
    },
  }),
  route({
    method: 'patch',
    path: '/clients/{client_id}',
    operationId: 'updateClient',
    tag: 'Relying parties',
    summary: 'Change a relying party',
    scope: 'admin:clients',
    params,
    body: clientChange,
    readOnly: [...readOnly, 'client_id', 'client_secret'],
    versioned: true,
    answers: { 200: { description: 'The relying party.', schema: client } },
    async handle({ services, params: { client_id: id }, body, actor, context, ifVersion }) {
      const shown = await services.relyingParties.update(id, given(body), actor.id, context, ifVersion);
      return { status: 200, body: showClient(shown), version: shown.relyingParty.version };
    },
  }),
  route({
    method: 'delete',
    path: '/clients/{client_id}',
    operationId: 'deleteClient',
    tag: 'Relying parties',
    summary: 'Delete a relying party',
    description: 'Ends what was granted to it, and forgets consents and policies.',
    scope: 'admin:clients',
    params,
    versioned: true,
    answers: { 204: { description: 'Gone.', schema: null } },
    async handle({ services, params: { client_id: id }, actor, context, ifVersion }) {
      await services.relyingParties.remove(id, actor.id, context, ifVersion);
      return { status: 204 };
    },
  }),
  route({
    method: 'post',
    path: '/clients/{client_id}/secrets',
    operationId: 'addClientSecret',
    tag: 'Relying parties',
    summary: 'Add a secret',
    description: 'Two may be valid at once. With `previous_expires_in` the older one ends by itself.',
    scope: 'admin:clients',
    params,
    body: z.strictObject({
      previous_expires_in: z.int().min(0).max(31_536_000).optional().describe('Seconds until the older one ends.'),
    }),
    bodyOptional: true,
    answers: {
      201: {
        description: 'The secret, shown this once.',
        schema: z.object({ id: z.uuid(), client_secret: z.string() }).meta({ id: 'NewClientSecret' }),
      },
    },
    problems: { 409: '`too_many_secrets`, `no_secrets`.' },
    async handle({ services, params: { client_id: id }, body, actor, context }) {
      const made = await services.relyingParties.addSecret(id, body?.previous_expires_in, actor.id, context);
      return { status: 201, body: { id: made.id, client_secret: made.secret } };
    },
  }),
  route({
    method: 'delete',
    path: '/clients/{client_id}/secrets/{secretId}',
    operationId: 'deleteClientSecret',
    tag: 'Relying parties',
    summary: 'Delete a secret',
    description: 'It is void at once.',
    scope: 'admin:clients',
    params: z.strictObject({ ...params.shape, secretId: z.uuid() }),
    answers: { 204: { description: 'Gone.', schema: null } },
    async handle({ services, params: { client_id: id, secretId }, actor, context }) {
      await services.relyingParties.removeSecret(id, secretId, actor.id, context);
      return { status: 204 };
    },
  }),
];

/** Without the names whose value was left out, which a schema may have put there. */
function given(body: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
}

/** A relying party as the API shows it; its secrets by id alone. */
export function showClient({ relyingParty, secrets }: ShownRelyingParty): z.input<typeof client> {
  const written = asRequest(relyingParty) as { client_id: string };
  return {
    ...written,
    require_pkce: relyingParty.requirePkce,
    first_party: relyingParty.firstParty,
    acr_values: [...relyingParty.acrValues],
    secrets: secrets.map((one) => ({
      id: one.id,
      created_at: one.createdAt.toISOString(),
      expires_at: one.expiresAt?.toISOString() ?? null,
    })),
    created_at: relyingParty.createdAt.toISOString(),
    updated_at: relyingParty.updatedAt.toISOString(),
  };
}
