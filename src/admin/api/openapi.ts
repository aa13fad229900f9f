import { createDocument, type ZodOpenApiOperationObject } from 'zod-openapi';
import { adminScopes } from '../../provider/resource-servers.ts';
import { adminApiPath, adminRoutes } from './route-table.ts';
import type { Route } from './route.ts';
import { problem } from './schemas.ts';

const tags: Readonly<Record<string, string>> = {
  Users: 'People and their accounts. Nobody sets a password for somebody else.',
  'Second factor': 'Helping people who lost their second factor.',
  Sessions: 'Browser sessions, and what relying parties were granted.',
  'Relying parties': 'Clients, in the names of RFC 7591.',
  Audit: 'The record of what happened, and whether it is whole.',
  Policies: 'Who must have a second factor, and what a sign-in is asked.',
  'Signing keys': 'Keys that sign tokens; their private parts never leave.',
};

const usual: Readonly<Record<number, string>> = {
  400: 'The request is wrong; `field` names where: `invalid_input`, `unknown_field`, `read_only_field`.',
  401: '`unauthorized`, or `insufficient_user_authentication` with a challenge of RFC 9470.',
  403: '`insufficient_scope`.',
  429: '`too_many_requests`, with `Retry-After`.',
  503: 'Try again, after `Retry-After`.',
};

const description = `Errors are problems of RFC 9457 with a stable \`code\`. Lists take \`limit\` (1 to 200) and \`cursor\`.
Writes take \`Idempotency-Key\`: a repeat within a day gets the same answer and has no second effect. What carries an
\`ETag\` honours \`If-Match\`. A token is for the resource \`{issuer}/admin\`: of a service by \`client_credentials\`, of a
person by a sign-in with two factors, its scopes cut to their roles.`;

/** The OpenAPI 3.1 document, made from the same schemas that check the requests. */
export function openApiDocument() {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const route of adminRoutes) {
    const item = (paths[route.path] ??= {});
    item[route.method] = operationOf(route);
  }
  const used = new Set(adminRoutes.map(({ tag }) => tag));
  return createDocument({
    openapi: '3.1.1',
    info: {
      title: 'Twofold admin API',
      version: '1.0.0',
      description,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: adminApiPath }],
    tags: Object.entries(tags)
      .filter(([name]) => used.has(name))
      .map(([name, words]) => ({ name, description: words })),
    paths,
    components: {
      securitySchemes: {
        oauth2: {
          type: 'oauth2',
          description: 'Opaque access tokens, Bearer or DPoP.',
          flows: {
            clientCredentials: { tokenUrl: '/token', scopes: scopeWords() },
            authorizationCode: { authorizationUrl: '/auth', tokenUrl: '/token', scopes: scopeWords() },
          },
        },
      },
    },
  });
}

function scopeWords(): Record<string, string> {
  return Object.fromEntries(
    adminScopes.map((scope) => {
      const area = scope.replace(/^admin:/, '').replace(/:read$/, '');
      return [scope, scope.endsWith(':read') ? `Reading of ${area}` : `Everything of ${area}`];
    }),
  );
}

function operationOf(route: Route): ZodOpenApiOperationObject {
  const changes = route.method !== 'get';
  const { params, query, body } = route;
  return {
    operationId: route.operationId,
    tags: [route.tag],
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    security: [{ oauth2: [route.scope] }],
    ...(params === undefined && query === undefined
      ? {}
      : {
          requestParams: {
            ...(params === undefined ? {} : { path: params }),
            ...(query === undefined ? {} : { query }),
          },
        }),
    parameters: [
      ...(changes && route.streams === undefined
        ? [header('Idempotency-Key', 'Names this call; a repeat has no second effect.')]
        : []),
      ...(changes && route.versioned === true && route.method !== 'post'
        ? [header('If-Match', 'The `ETag` that was read; the call is refused where it changed since.')]
        : []),
    ],
    ...(body === undefined
      ? {}
      : { requestBody: { required: route.bodyOptional !== true, content: { 'application/json': { schema: body } } } }),
    ...(route.streams === undefined
      ? {}
      : { requestBody: { required: true, content: { [route.streams]: { schema: { type: 'string' } } } } }),
    responses: responsesOf(route),
  };
}

function responsesOf(route: Route): ZodOpenApiOperationObject['responses'] {
  const responses: Record<string, object> = {};
  for (const [status, { description: words, schema, contentType }] of Object.entries(route.answers)) {
    responses[status] = {
      description: words,
      ...(route.versioned === true && schema !== null
        ? { headers: { ETag: { description: 'Of this state.', schema: { type: 'string' } } } }
        : {}),
      ...(schema === null ? {} : { content: { [contentType ?? 'application/json']: { schema } } }),
    };
  }
  const problems: Record<number, string> = { ...usual };
  if (route.params !== undefined) problems[404] = '`not_found`.';
  if (route.method !== 'get' && route.streams === undefined) problems[409] = '`call_under_way`.';
  if (route.method !== 'get' && route.streams === undefined) problems[422] = '`idempotency_key_reused`.';
  if (route.body !== undefined || route.streams !== undefined) problems[413] = '`too_large`.';
  if (route.body !== undefined || route.streams !== undefined) problems[415] = '`unsupported_media_type`.';
  if (route.versioned === true && route.method !== 'get') problems[412] = '`version_changed`.';
  for (const [status, words] of Object.entries(route.problems ?? {})) {
    const before = problems[Number(status)];
    problems[Number(status)] = before === undefined ? words : `${before} ${words}`;
  }
  for (const [status, words] of Object.entries(problems)) {
    responses[status] = { description: words, content: { 'application/problem+json': { schema: problem } } };
  }
  return responses as ZodOpenApiOperationObject['responses'];
}

function header(name: string, words: string) {
  return { name, in: 'header' as const, required: false, description: words, schema: { type: 'string' as const } };
}
