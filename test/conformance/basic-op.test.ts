import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { movingClock } from '../support/moving-clock.ts';
import { startService, testClient, type TestService } from '../support/service.ts';
import { claimsOf, token, UserAgent, type Tokens } from '../support/user-agent.ts';

/** Modules of `oidcc-basic-certification-test-plan`, each with its name; every sign-in asks for a one-time code. */
describe('Basic OP', () => {
  const clock = movingClock();
  let service: TestService;
  before(async () => {
    service = await startService('embedded', { clock });
  });
  after(() => service.close());

  async function signIn(parameters: Record<string, string> = {}) {
    const person = await service.addPerson();
    const agent = new UserAgent(service.issuer);
    const finished = await agent.signIn(person, parameters);
    return { person, agent, finished };
  }
  async function tokensFor(parameters: Record<string, string> = {}): Promise<Tokens> {
    const { agent, finished } = await signIn(parameters);
    return agent.redeem(finished);
  }
  const me = (accessToken: string, init: RequestInit = {}) =>
    fetch(`${service.issuer}/me`, {
      headers: { authorization: `Bearer ${accessToken}` },
      ...init,
    });
  const assertCode = (location: string | undefined): void => assert.match(location ?? '', /[?&]code=/);

  test('oidcc-server', async () => {
    const claims = claimsOf(await tokensFor({ nonce: 'n-1' }));
    assert.equal(claims['iss'], service.issuer);
    assert.equal(claims['aud'], testClient.id);
    assert.equal(claims['nonce'], 'n-1');
    assert.deepEqual(claims['amr'], ['pwd', 'otp', 'mfa']);
  });

  test('oidcc-response-type-missing', async () => {
    const { location = '' } = await new UserAgent(service.issuer).begin({
      response_type: '',
    });
    assert.match(location, /error=(?:invalid_request|unsupported_response_type)/);
  });

  test('oidcc-idtoken-signature', async () => {
    const keys = createRemoteJWKSet(new URL(`${service.issuer}/jwks`));
    const { protectedHeader } = await jwtVerify((await tokensFor()).id_token, keys, { audience: testClient.id });
    assert.equal(protectedHeader.alg, 'RS256');
    assert.ok(protectedHeader.kid);
  });

  test('oidcc-userinfo-get', async () => {
    const tokens = await tokensFor();
    const response = await me(tokens.access_token);
    assert.equal(response.status, 200);
    assert.equal(((await response.json()) as { sub: string }).sub, claimsOf(tokens)['sub']);
  });

  test('oidcc-userinfo-post-header', async () => {
    assert.equal((await me((await tokensFor()).access_token, { method: 'POST' })).status, 200);
  });

  test('oidcc-userinfo-post-body', async () => {
    const body = new URLSearchParams({
      access_token: (await tokensFor()).access_token,
    });
    const response = await fetch(`${service.issuer}/me`, {
      method: 'POST',
      body,
    });
    assert.equal(response.status, 200);
  });

  test('oidcc-ensure-request-without-nonce-succeeds-for-code-flow', async () => {
    assert.equal(claimsOf(await tokensFor())['nonce'], undefined);
  });

  for (const [scope, claim] of [
    ['profile', 'name'],
    ['email', 'email'],
    ['address', undefined],
    ['phone', undefined],
  ] as const) {
    test(`oidcc-scope-${scope}`, async () => {
      const response = await me((await tokensFor({ scope: `openid ${scope}` })).access_token);
      assert.equal(response.status, 200);
      const claims = (await response.json()) as Record<string, unknown>;
      if (claim !== undefined) assert.ok(claim in claims, claim);
    });
  }

  test('oidcc-scope-all', async () => {
    const response = await me((await tokensFor({ scope: 'openid profile email address phone' })).access_token);
    const claims = (await response.json()) as Record<string, unknown>;
    for (const name of ['sub', 'name', 'email', 'email_verified']) assert.ok(name in claims, name);
  });

  for (const [name, parameters] of [
    ['oidcc-display-page', { display: 'page' }],
    ['oidcc-display-popup', { display: 'popup' }],
    ['oidcc-login-hint', { login_hint: 'somebody' }],
    ['oidcc-ui-locales', { ui_locales: 'de en' }],
    ['oidcc-claims-locales', { claims_locales: 'de en' }],
    ['oidcc-ensure-request-with-unknown-parameter-succeeds', { extra: 'foobar' }],
    ['oidcc-ensure-request-with-acr-values-succeeds', { acr_values: 'urn:twofold:acr:2fa' }],
    ['oidcc-ensure-request-with-valid-pkce-succeeds', {}],
    ['oidcc-max-age-10000', { max_age: '10000' }],
  ] as const) {
    test(name, async () => assertCode((await signIn({ ...parameters })).finished.location));
  }

  test('oidcc-prompt-login', async () => {
    const { agent, person } = await signIn();
    clock.move(30);
    const step = await agent.begin({ prompt: 'login' });
    assert.equal(step.page, 'password');
    assert.equal((await agent.submitPassword(step, person)).page, 'one-time-code', 'the code is asked again');
  });

  test('oidcc-prompt-none-not-logged-in', async () => {
    const { location } = await new UserAgent(service.issuer).begin({
      prompt: 'none',
    });
    assert.match(location ?? '', /error=login_required/);
  });

  test('oidcc-prompt-none-logged-in', async () => {
    const { agent, finished } = await signIn();
    const silent = await agent.begin({ prompt: 'none' });
    const [one, two] = [await agent.redeem(finished), await agent.redeem(silent)];
    for (const name of ['sub', 'auth_time']) assert.equal(claimsOf(two)[name], claimsOf(one)[name]);
  });

  test('oidcc-id-token-hint', async () => {
    const { agent, finished } = await signIn();
    const { id_token: hint } = await agent.redeem(finished);
    assertCode((await agent.begin({ prompt: 'none', id_token_hint: hint })).location);
  });

  test('oidcc-codereuse', async () => {
    const { agent, finished } = await signIn();
    await agent.redeem(finished);
    assert.equal((await agent.redeem(finished)).error, 'invalid_grant');
  });

  test('oidcc-ensure-registered-redirect-uri', async () => {
    const answer = await new UserAgent(service.issuer).begin({
      redirect_uri: `${testClient.redirectUri}/other`,
    });
    assert.equal(answer.location, '');
    assert.equal(answer.status, 400);
  });

  test('oidcc-claims-essential', async () => {
    const tokens = await tokensFor({
      claims: JSON.stringify({ userinfo: { name: { essential: true } } }),
    });
    assert.ok('name' in ((await (await me(tokens.access_token)).json()) as object));
  });

  test('oidcc-refresh-token', async () => {
    const first = await tokensFor({
      scope: 'openid offline_access',
      prompt: 'consent',
    });
    const next = await token(service.issuer, {
      grant_type: 'refresh_token',
      refresh_token: first.refresh_token ?? '',
    });
    for (const name of ['iss', 'sub', 'aud', 'auth_time']) {
      assert.deepEqual(claimsOf(next)[name], claimsOf(first)[name], name);
    }
  });
});
