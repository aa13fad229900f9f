import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import createClient, { type Middleware } from 'openapi-fetch';
import { openApiDocument } from '../../src/admin/api/openapi.ts';
import type { Role } from '../../src/domain/user.ts';
import type { paths } from './admin-api-types.ts';
import type { TestPerson, TestService } from './service.ts';
import { testContext } from './stores.ts';
import { codeOf, UserAgent } from './user-agent.ts';

/** An operator's tool: a public client to which people sign in, for the admin API. */
export const adminTool = { id: 'admin-tool', redirectUri: 'https://tool.example/callback' };
export const allScopes = ['users', 'second-factor', 'clients', 'keys', 'audit', 'sessions', 'policy']
  .flatMap((area) => [`admin:${area}`, `admin:${area}:read`])
  .join(' ');

export async function registerAdminTool({ composed }: TestService): Promise<void> {
  await composed.services.manageRelyingParties.apply(
    {
      client_id: adminTool.id,
      client_name: 'Admin tool',
      token_endpoint_auth_method: 'none',
      redirect_uris: [adminTool.redirectUri],
      grant_types: ['authorization_code'],
      scope: `openid ${allScopes}`,
      first_party: true,
    },
    'test',
    testContext,
  );
}

export async function setRoles(service: TestService, person: TestPerson, roles: readonly Role[]): Promise<void> {
  await service.composed.services.manageUsers.update(person.id, { roles }, 'test', testContext);
}

/** A person with roles, and both factors. */
export async function addOperator(service: TestService, ...roles: Role[]): Promise<TestPerson> {
  const person = await service.addPerson();
  await setRoles(service, person, roles);
  return person;
}

/** A token for the admin API from a person's sign-in with both factors. */
export async function personToken(
  { issuer }: TestService,
  person: TestPerson,
  scope = allScopes,
  agent = new UserAgent(issuer),
): Promise<string> {
  const verifier = randomBytes(32).toString('base64url');
  const resource = `${issuer}/admin`;
  let step = await agent.begin({
    client_id: adminTool.id,
    redirect_uri: adminTool.redirectUri,
    scope: `openid ${scope}`,
    resource,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
  });
  if (step.page === 'password') step = { ...(await agent.submitPassword(step, person)), verifier };
  if (step.page === 'one-time-code') step = { ...(await agent.submit(step, { code: person.code() })), verifier };
  const body = new URLSearchParams({
    grant_type: 'authorization_code',
    client_id: adminTool.id,
    code: codeOf(step),
    code_verifier: verifier,
    redirect_uri: adminTool.redirectUri,
    resource,
  });
  const response = await fetch(`${issuer}/token`, { method: 'POST', body });
  const { access_token: token = '' } = (await response.json()) as { access_token?: string };
  assert.notEqual(token, '');
  return token;
}

/** A token of a service of its own, registered with these scopes. */
export async function serviceToken({ issuer, composed }: TestService, id: string, scope = allScopes): Promise<string> {
  const secret = randomBytes(32).toString('base64url');
  await composed.services.manageRelyingParties.apply(
    {
      client_id: id,
      client_secret: secret,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      scope,
    },
    'test',
    testContext,
  );
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: `${issuer}/admin`, scope }),
  });
  const { access_token: token = '' } = (await response.json()) as { access_token?: string };
  assert.notEqual(token, '');
  return token;
}

/** The client that openapi-typescript and openapi-fetch make of our document; every answer is held against it. */
export function adminClient({ issuer }: TestService, token: string) {
  const client = createClient<paths>({
    baseUrl: `${issuer}/admin/api/v1`,
    headers: { authorization: `Bearer ${token}` },
  });
  client.use(holdAgainstDocument);
  return client;
}

export type AdminClient = ReturnType<typeof adminClient>;

const document = openApiDocument();
const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);
ajv.addSchema(document, 'document');
const compiled = new Map<string, ValidateFunction>();

const holdAgainstDocument: Middleware = {
  async onResponse({ schemaPath, request, response }) {
    await assertDescribed(schemaPath, request.method, response.clone());
    return undefined;
  },
};

/** Fails where an answer is none that the document tells of: by its status, its type and its schema. */
export async function assertDescribed(path: string, method: string, response: Response): Promise<void> {
  const operation = document.paths?.[path]?.[method.toLowerCase() as 'get'];
  assert.ok(operation, `${method} ${path} is not in the document`);
  const described = operation.responses?.[String(response.status) as '200'] as
    { content?: Record<string, { schema?: unknown }> } | undefined;
  assert.ok(described, `${method} ${path} answered ${response.status}, of which the document tells nothing`);
  const text = await response.text();
  const [type = '', media] = Object.entries(described.content ?? {})[0] ?? [];
  if (media === undefined) {
    assert.equal(text, '');
    return;
  }
  assert.match(response.headers.get('content-type') ?? '', new RegExp(`^${type.replaceAll('+', '\\+')}(?:;|$)`));
  const bodies = type === 'application/x-ndjson' ? text.split('\n').filter(Boolean) : [text];
  const pointer = `document#/paths/${[path, method.toLowerCase(), 'responses', String(response.status), 'content', type]
    .map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1')))
    .join('/')}/schema`;
  let validate = compiled.get(pointer);
  if (validate === undefined) {
    validate = ajv.compile({ $ref: pointer });
    compiled.set(pointer, validate);
  }
  for (const body of bodies) {
    assert.ok(validate(JSON.parse(body)), `${method} ${path} ${response.status}: ${ajv.errorsText(validate.errors)}`);
  }
}
