import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { createRemoteJWKSet, jwtVerify, SignJWT } from 'jose';
import { addProtocolClient, dpopProof, keyPair, pkce, post, type ProtocolClient } from '../support/protocol-client.ts';
import { startService, type TestService } from '../support/service.ts';
import { codeOf, UserAgent } from '../support/user-agent.ts';

describe('FAPI 2.0', () => {
  let service: TestService;
  let client: ProtocolClient;
  let signing: ProtocolClient;
  before(async () => {
    service = await startService('embedded');
    const grants = ['authorization_code', 'refresh_token'];
    client = await addProtocolClient(service, { twofold_fapi_profile: 'security', grant_types: grants });
    signing = await addProtocolClient(service, { twofold_fapi_profile: 'message-signing', grant_types: grants });
  });
  after(() => service.close());

  const ordinary = (of: ProtocolClient) => ({ response_type: 'code', scope: 'openid', redirect_uri: of.redirectUri });

  async function signIn(of: ProtocolClient, pushed: Record<string, string>) {
    const request = await of.post('/par', pushed);
    assert.equal(request.status, 201, JSON.stringify(request.body));
    const expires = Number(request.body['expires_in']);
    assert.ok(expires > 0 && expires < 600);
    const query = new URLSearchParams({ client_id: of.id, request_uri: String(request.body['request_uri']) });
    const agent = new UserAgent(service.issuer);
    const person = await service.addPerson();
    const first = await agent.follow(`/auth?${query.toString()}`);
    let finished = await agent.submit(await agent.submitPassword(first, person), { code: person.code() });
    if (finished.page === 'consent') finished = await agent.submit(finished, { decision: 'allow' });
    assert.equal(finished.page, 'left', JSON.stringify(finished));
    return finished;
  }

  test('the whole flow: pushed request, one-time code, bound tokens, one refresh token that stays', async () => {
    const keys = await keyPair();
    const proof = (path: string, method = 'POST', accessToken?: string) =>
      dpopProof(keys, method, `${service.issuer}${path}`, accessToken === undefined ? {} : { accessToken });
    const { verifier, parameters } = pkce();
    const asked = { ...ordinary(client), scope: 'openid offline_access', prompt: 'consent', nonce: 'n'.repeat(64) };
    const finished = await signIn(client, { ...asked, ...parameters });
    assert.equal(new URL(finished.location ?? '').searchParams.get('iss'), service.issuer);
    const fields = {
      grant_type: 'authorization_code',
      code: codeOf(finished),
      code_verifier: verifier,
      redirect_uri: client.redirectUri,
    };
    const tokens = await client.post('/token', fields, { headers: { dpop: await proof('/token') } });
    assert.equal(tokens.status, 200, JSON.stringify(tokens.body));
    assert.equal(tokens.body['token_type'], 'DPoP');
    const keySet = createRemoteJWKSet(new URL(`${service.issuer}/jwks`));
    const idToken = await jwtVerify(String(tokens.body['id_token']), keySet, { audience: client.id });
    assert.equal(idToken.protectedHeader.alg, 'ES256');
    assert.equal(idToken.payload['nonce'], 'n'.repeat(64));
    const token = String(tokens.body['access_token']);
    const me = async (authorization: string, dpop?: string) =>
      (await fetch(`${service.issuer}/me`, { headers: { authorization, ...(dpop && { dpop }) } })).status;
    assert.equal(await me(`DPoP ${token}`, await proof('/me', 'GET', token)), 200);
    assert.equal(await me(`Bearer ${token}`), 401, 'E16 no downgrade to a bearer token');
    assert.equal(await me(`DPoP ${token}`, await proof('/token', 'GET', token)), 401);
    assert.equal(await me(`DPoP ${token}`, await proof('/me', 'GET', 'another token')), 401);
    assert.equal(
      await me(
        `DPoP ${token}`,
        await dpopProof(await keyPair(), 'GET', `${service.issuer}/me`, { accessToken: token }),
      ),
      401,
    );
    const refreshed = await client.post(
      '/token',
      { grant_type: 'refresh_token', refresh_token: String(tokens.body['refresh_token']) },
      { headers: { dpop: await proof('/token') } },
    );
    assert.equal(refreshed.status, 200);
    assert.ok([undefined, tokens.body['refresh_token']].includes(refreshed.body['refresh_token']), 'no rotation');
  });

  test('E17 PAR alone, with PKCE S256 and redirect_uri, one client, no request_uri inside', async () => {
    const { parameters } = pkce();
    const direct = new URLSearchParams({ client_id: client.id, ...ordinary(client), ...parameters });
    const answer = await new UserAgent(service.issuer).get(`/auth?${direct.toString()}`);
    assert.doesNotMatch(answer.headers.get('location') ?? '', /interaction/);
    const refused = async (fields: Record<string, string>) => (await client.post('/par', fields)).status;
    assert.equal(await refused(ordinary(client)), 400, 'no PKCE');
    assert.equal(
      await refused({ ...ordinary(client), code_challenge: 'a'.repeat(43), code_challenge_method: 'plain' }),
      400,
    );
    assert.equal(await refused({ response_type: 'code', scope: 'openid', ...parameters }), 400, 'no redirect_uri');
    assert.equal(await refused({ ...ordinary(client), ...parameters, response_type: 'code id_token' }), 400);
    assert.equal(await refused({ ...ordinary(client), ...parameters, request_uri: 'urn:x' }), 400);
    assert.equal(
      (await post(`${service.issuer}/par`, { client_id: client.id, ...ordinary(client), ...parameters })).status,
      401,
    );
    assert.equal((await fetch(`${service.issuer}/par`)).status >= 400, true);
    const pushed = await client.post('/par', { ...ordinary(client), ...parameters });
    const theft = new URLSearchParams({ client_id: signing.id, request_uri: String(pushed.body['request_uri']) });
    assert.equal((await new UserAgent(service.issuer).get(`/auth?${theft.toString()}`)).status, 400);
  });

  test('E14 the audience of an assertion is the issuer as a text, and nothing else', async () => {
    const { parameters } = pkce();
    const push = async (claims: Record<string, unknown>) =>
      (await client.post('/par', { ...ordinary(client), ...parameters }, { assertion: await client.assertion(claims) }))
        .status;
    const now = Math.floor(Date.now() / 1000);
    assert.equal(await push({ nbf: now + 8 }), 201);
    for (const aud of [`${service.issuer}/token`, `${service.issuer}/par`, [service.issuer], 'https://x.example']) {
      assert.equal(await push({ aud }), 401, String(aud));
    }
    assert.equal(await push({ exp: now - 300 }), 401);
    assert.equal(await push({ nbf: now + 65 }), 401);
  });

  test('E16 a proof with a part that is wrong or missing is refused; a clock ten seconds off is not', async () => {
    const keys = await keyPair();
    const { parameters } = pkce();
    const url = `${service.issuer}/par`;
    const push = async (dpop: string) =>
      (await client.post('/par', { ...ordinary(client), ...parameters }, { headers: { dpop } })).status;
    const now = Math.floor(Date.now() / 1000);
    const good = await dpopProof(keys, 'POST', url);
    assert.equal(await push(good), 201);
    assert.equal(await push(good), 400, 'the same proof again');
    for (const claims of [{ iat: now + 10 }, { iat: now - 10 }, { htu: `${url}?a=b#c` }, { extra: 'claim' }]) {
      assert.equal(await push(await dpopProof(keys, 'POST', url, { claims })), 201, JSON.stringify(claims));
    }
    for (const claims of [
      { jti: undefined },
      { htm: undefined },
      { htm: 'GET' },
      { htu: undefined },
      { htu: 'https://x.example/par' },
      { iat: undefined },
      { iat: now - 3600 },
    ]) {
      assert.equal(await push(await dpopProof(keys, 'POST', url, { claims })), 400, JSON.stringify(claims));
    }
    for (const header of [{ typ: 'JWT' }, { typ: undefined }, { jwk: undefined }]) {
      assert.equal(await push(await dpopProof(keys, 'POST', url, { header })), 400, JSON.stringify(header));
    }
    const other = { ...ordinary(client), ...parameters, dpop_jkt: 'x'.repeat(43) };
    assert.equal(
      (await client.post('/par', other, { headers: { dpop: await dpopProof(keys, 'POST', url) } })).status,
      400,
    );
    assert.equal(
      (await client.post('/token', { grant_type: 'authorization_code', code: 'x' })).status,
      400,
      'no proof',
    );
  });

  test('E18 message signing takes signed, dated requests for this issuer and answers signed', async () => {
    const now = Math.floor(Date.now() / 1000);
    const { parameters } = pkce();
    const requestObject = (claims: Record<string, unknown> = {}, by = signing) =>
      new SignJWT({
        iss: signing.id,
        client_id: signing.id,
        aud: service.issuer,
        jti: randomUUID(),
        iat: now,
        nbf: now,
        exp: now + 300,
        ...ordinary(signing),
        ...parameters,
        response_mode: 'jwt',
        state: 's-1',
        ...claims,
      })
        .setProtectedHeader({ alg: 'ES256', kid: 'client-key', typ: 'oauth-authz-req+jwt' })
        .sign(by.keys.privateKey);
    const push = async (request: string) => (await signing.post('/par', { request })).status;
    for (const claims of [{ nbf: now + 8 }, { aud: [service.issuer, 'https://x.example'] }]) {
      assert.equal(await push(await requestObject(claims)), 201, JSON.stringify(claims));
    }
    for (const claims of [
      { exp: undefined },
      { nbf: undefined },
      { exp: now - 100 },
      { aud: 'https://x.example' },
      { aud: undefined },
      { exp: now + 3700 },
      { nbf: now - 3700, exp: now + 100 },
      { nbf: now + 100 },
    ]) {
      assert.equal(await push(await requestObject(claims)), 400, JSON.stringify(claims));
    }
    assert.equal(await push(await requestObject({}, client)), 400, 'another key');
    assert.equal((await signing.post('/par', { ...ordinary(signing), ...parameters })).status, 400, 'unsigned');
    const finished = await signIn(signing, { request: await requestObject() });
    const response = new URL(finished.location ?? '').searchParams.get('response') ?? '';
    const keySet = createRemoteJWKSet(new URL(`${service.issuer}/jwks`));
    const { payload, protectedHeader } = await jwtVerify(response, keySet, {
      audience: signing.id,
      issuer: service.issuer,
    });
    assert.equal(protectedHeader.alg, 'ES256');
    assert.equal(payload['state'], 's-1');
  });
});
