import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { addProtocolClient, pkce, post } from '../support/protocol-client.ts';
import { startService, testClient, type TestService } from '../support/service.ts';
import { testContext } from '../support/stores.ts';
import { codeOf, UserAgent } from '../support/user-agent.ts';

const api = 'https://api.example/';

describe('answers of the protocol', () => {
  let service: TestService;
  before(async () => {
    service = await startService('embedded', { environment: { TWOFOLD_RESOURCE_SERVERS: `${api}=read+write` } });
  });
  after(() => service.close());

  const basic = (): Record<string, string> => ({
    authorization: `Basic ${Buffer.from(`${testClient.id}:${encodeURIComponent(testClient.secret)}`).toString('base64')}`,
  });
  const keys = () => createRemoteJWKSet(new URL(`${service.issuer}/jwks`));

  test('E09 E32 form_post says iss, escapes what it carries, and lets one script run by its hash', async () => {
    const agent = new UserAgent(service.issuer);
    await agent.signIn(await service.addPerson());
    const query = new URLSearchParams({
      client_id: testClient.id,
      redirect_uri: testClient.redirectUri,
      response_type: 'code',
      response_mode: 'form_post',
      scope: 'openid',
      state: `"></form></script><script>alert(1)</script>`,
      ...pkce().parameters,
    });
    const response = await agent.get(`/auth?${query.toString()}`);
    const page = await response.text();
    assert.equal(response.status, 200);
    assert.match(response.headers.get('cache-control') ?? '', /no-store/);
    const policy = response.headers.get('content-security-policy') ?? '';
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /script-src 'sha256-[A-Za-z0-9+/=]+'/);
    assert.equal(page.split('<script').length, 2, 'one script and no other');
    assert.match(page, new RegExp(`name="iss" value="${service.issuer}"`));
    assert.match(page, /name="code" value="[^"]+"/);
    query.set('client_id', 'nobody');
    const refused = await agent.get(`/auth?${query.toString()}`);
    assert.doesNotMatch(refused.headers.get('content-security-policy') ?? '', /sha256/);
  });

  test('E09 a signed answer (JARM) says iss, aud and exp, and nothing beside itself', async () => {
    const agent = new UserAgent(service.issuer);
    const finished = await agent.signIn(await service.addPerson(), { response_mode: 'query.jwt' });
    const url = new URL(finished.location ?? '');
    assert.deepEqual([...url.searchParams.keys()], ['response']);
    const { payload } = await jwtVerify(url.searchParams.get('response') ?? '', keys(), {
      issuer: service.issuer,
      audience: testClient.id,
    });
    assert.equal(payload['state'], 'the-state');
    assert.ok(payload['code']);
    assert.ok(payload.exp);
  });

  test('E10 other response types and modes are refused', async () => {
    const agent = new UserAgent(service.issuer);
    for (const type of ['token', 'id_token', 'code id_token', 'none']) {
      const answer = await agent.begin({ response_type: type });
      assert.match(answer.location ?? answer.page, /error=unsupported_response_type|error/, type);
      assert.doesNotMatch(answer.location ?? '', /access_token|id_token=|[?&#]code=/, type);
    }
    const other = await agent.begin({ response_mode: 'web_message' });
    assert.match(other.location ?? '', /error=(?:invalid_request|unsupported_response_mode)/);
    assert.doesNotMatch(other.location ?? '', /[?&#]code=/);
  });

  test('E20 an access token for an API of the operator is signed, says acr, and lives five minutes', async () => {
    await service.composed.services.manageRelyingParties.apply(
      {
        client_id: 'reader',
        token_endpoint_auth_method: 'none',
        redirect_uris: ['https://reader.example/callback'],
        scope: 'openid read',
        allowed_cors_origins: ['https://reader.example'],
      },
      'test',
      testContext,
    );
    const { verifier, parameters } = pkce();
    const agent = new UserAgent(service.issuer);
    const redirect = 'https://reader.example/callback';
    const asked = { client_id: 'reader', redirect_uri: redirect, scope: 'openid read write', resource: api };
    const person = await service.addPerson();
    const finished = await agent.signIn(person, { ...asked, ...parameters });
    const answer = await post(`${service.issuer}/token`, {
      grant_type: 'authorization_code',
      client_id: 'reader',
      code: codeOf(finished),
      code_verifier: verifier,
      redirect_uri: redirect,
      resource: api,
    });
    const token = String(answer.body['access_token']);
    const { payload, protectedHeader } = await jwtVerify(token, keys(), { issuer: service.issuer, audience: api });
    assert.equal(protectedHeader.typ, 'at+jwt');
    assert.equal(protectedHeader.alg, 'ES256');
    assert.equal(payload['scope'], 'read', 'what the registration names, and no more');
    assert.equal(payload.sub, person.id);
    assert.equal(payload['client_id'], 'reader');
    assert.equal(payload['acr'], 'urn:twofold:acr:2fa');
    assert.equal((payload.exp ?? 0) - (payload.iat ?? 0), 300);
    const wrong = await agent.begin({ ...asked, resource: 'https://other.example/', ...parameters });
    assert.match(wrong.location ?? '', /error=invalid_target/);
  });

  test('E34 the token endpoint answers scripts of the origins a client names, and never a null origin', async () => {
    const fields = { grant_type: 'refresh_token', client_id: 'reader', refresh_token: 'x' };
    const from = async (origin: string) => (await post(`${service.issuer}/token`, fields, { origin })).headers;
    assert.equal((await from('https://reader.example')).get('access-control-allow-origin'), 'https://reader.example');
    for (const origin of ['https://evil.example', 'null', 'https://reader.example.evil.example']) {
      assert.equal((await from(origin)).get('access-control-allow-origin'), null, origin);
    }
    assert.equal((await from('https://reader.example')).get('access-control-allow-credentials'), null);
    for (const path of ['/account', '/interaction/x']) {
      const response = await fetch(`${service.issuer}${path}`, {
        headers: { origin: 'https://reader.example' },
        redirect: 'manual',
      });
      assert.equal(response.headers.get('access-control-allow-origin'), null, path);
    }
  });

  test('E28 E29 introspection is for the token’s own client, signed where asked, and knows a disabled person at once', async () => {
    const agent = new UserAgent(service.issuer);
    const person = await service.addPerson();
    const { access_token: token } = await agent.redeem(await agent.signIn(person));
    const introspect = (headers: Record<string, string> = basic()) =>
      post(`${service.issuer}/introspect`, { token }, headers);
    const active = await introspect();
    assert.equal(active.body['active'], true);
    assert.equal(active.body['acr'], 'urn:twofold:acr:2fa');
    const signed = await introspect({ ...basic(), accept: 'application/token-introspection+jwt' });
    assert.match(signed.headers.get('content-type') ?? '', /^application\/token-introspection\+jwt/);
    const jwt = String(signed.body['text']);
    assert.equal(decodeProtectedHeader(jwt).typ, 'token-introspection+jwt');
    const { payload } = await jwtVerify(jwt, keys(), { issuer: service.issuer, audience: testClient.id });
    assert.equal((payload['token_introspection'] as { active: boolean }).active, true);
    const other = await addProtocolClient(service);
    assert.deepEqual((await other.post('/introspect', { token })).body, { active: false });
    assert.equal((await post(`${service.issuer}/introspect`, { token })).status, 400);
    assert.equal((await other.post('/revoke', { token })).status < 500, true);
    assert.equal((await introspect()).body['active'], true, 'another client revokes nothing');
    await service.composed.services.database.kysely
      .updateTable('users')
      .set({ disabled_at: new Date() })
      .where('id', '=', person.id)
      .execute();
    assert.deepEqual((await introspect()).body, { active: false });
  });

  test('J01 neither Host nor any forwarded header reaches an address', async () => {
    const evil = {
      host: 'evil.example',
      'x-forwarded-host': 'evil.example',
      forwarded: 'host=evil.example;proto=https',
      'x-forwarded-proto': 'https',
      'x-forwarded-port': '444',
    };
    for (const path of [
      '/.well-known/openid-configuration',
      '/.well-known/oauth-authorization-server',
      `/auth?client_id=${testClient.id}&redirect_uri=${encodeURIComponent(testClient.redirectUri)}&response_type=code&scope=openid&code_challenge=${'a'.repeat(43)}&code_challenge_method=S256`,
      '/account',
      '/logout',
    ]) {
      const { headers, body } = await rawGet(service.issuer, path, evil);
      assert.doesNotMatch(JSON.stringify(headers) + body, /evil\.example|:444/, path);
    }
    const metadata = JSON.parse(
      (await rawGet(service.issuer, '/.well-known/openid-configuration', evil)).body,
    ) as Record<string, string>;
    assert.equal(metadata['issuer'], service.issuer);
    for (const [name, value] of Object.entries(metadata)) {
      if (/_(?:endpoint|uri)$/.test(name)) assert.ok(value.startsWith(`${service.issuer}/`), `${name} ${value}`);
    }
  });

  test('E13 a wrong secret, another method and two methods at once get nothing', async () => {
    const fields = { grant_type: 'authorization_code', code: 'x' };
    const wrong = { authorization: `Basic ${Buffer.from(`${testClient.id}:wrong`).toString('base64')}` };
    assert.equal((await post(`${service.issuer}/token`, fields, wrong)).status, 401);
    assert.equal((await post(`${service.issuer}/token`, { ...fields, client_id: testClient.id })).status, 401);
    const both = await post(`${service.issuer}/token`, { ...fields, client_secret: testClient.secret }, basic());
    assert.equal(both.body.error, 'invalid_request');
    const client = await addProtocolClient(service, {
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    });
    const use = async (claims: Record<string, unknown>) =>
      (await client.post('/token', { grant_type: 'client_credentials' }, { assertion: await client.assertion(claims) }))
        .status;
    const now = Math.floor(Date.now() / 1000);
    assert.equal(await use({}), 200);
    assert.equal(await use({ aud: `${service.issuer}/token` }), 200);
    assert.equal(await use({ nbf: now + 8 }), 200);
    for (const claims of [
      { aud: 'https://other.example' },
      { aud: `${service.issuer}/par` },
      { aud: [service.issuer, 'https://other.example'] },
      { sub: undefined },
      { exp: now - 300 },
      { nbf: now + 61 },
      { jti: undefined },
      { iss: 'somebody' },
    ]) {
      assert.ok((await use(claims)) >= 400, JSON.stringify(claims));
    }
  });

  test('E25 an ID token opens nothing', async () => {
    const agent = new UserAgent(service.issuer);
    const { id_token: idToken } = await agent.redeem(await agent.signIn(await service.addPerson()));
    assert.equal(decodeJwt(idToken).iss, service.issuer);
    const me = await fetch(`${service.issuer}/me`, { headers: { authorization: `Bearer ${idToken}` } });
    assert.equal(me.status, 401);
    const answer = await post(`${service.issuer}/introspect`, { token: idToken }, basic());
    assert.notEqual(answer.body['active'], true);
  });
});

/** Without the help of a client that corrects the Host header. */
function rawGet(issuer: string, path: string, headers: Record<string, string>) {
  const { hostname, port } = new URL(issuer);
  return new Promise<{ headers: unknown; body: string }>((resolve, reject) => {
    const outgoing = request({ hostname, port, path, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve({ headers: response.headers, body }));
    });
    outgoing.on('error', reject).end();
  });
}
