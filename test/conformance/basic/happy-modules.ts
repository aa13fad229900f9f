import assert from 'node:assert/strict';
import { decodeProtectedHeader, type JSONWebKeySet } from 'jose';
import { pkce } from '../../support/protocol-client.ts';
import { testContext } from '../../support/stores.ts';
import { address, phone, profile, type Module, type World } from './world.ts';

/** Modules in which all goes well: tokens, userinfo, scopes, and parameters that change nothing. */
export const happyModules: Readonly<Record<string, Module>> = {
  'oidcc-server': async (world) => {
    const { person, agent } = await world.newcomer();
    const authorization = await world.party.authorize(agent, person);
    assert.deepEqual(authorization.pages, ['password', 'one-time-code', 'consent']);
    const { claims, accessToken } = await world.party.tokensOf(authorization);
    const { status, claims: told } = await world.party.userinfo(accessToken);
    assert.equal(status, 200);
    assert.equal(told['sub'], claims.sub);
  },

  'oidcc-idtoken-signature': async (world) => {
    const { idToken } = await plainFlow(world);
    const { kid, alg } = decodeProtectedHeader(idToken);
    assert.equal(alg, 'RS256');
    const { keys } = (await (await fetch(`${world.service.issuer}/jwks`)).json()) as JSONWebKeySet;
    const key = keys.filter((one) => one.kid === kid);
    assert.equal(key.length, 1);
    assert.equal(key[0]?.kty, 'RSA');
    assert.ok(Buffer.from(key[0]?.n ?? '', 'base64url').length >= 256);
  },

  'oidcc-idtoken-unsigned': async ({ service }) => {
    // Allowed where the provider offers `none`; this one neither offers it nor registers a client that wants it.
    const metadata = (await (await fetch(`${service.issuer}/.well-known/openid-configuration`)).json()) as object;
    const offered = (metadata as Record<string, string[]>)['id_token_signing_alg_values_supported'] ?? [];
    assert.ok(!offered.includes('none'));
    assert.throws(
      () =>
        void service.composed.services.manageRelyingParties.apply(
          { client_id: 'unsigned', redirect_uris: ['https://u.example/'], id_token_signed_response_alg: 'none' },
          'test',
          testContext,
        ),
      { code: /invalid/ },
    );
  },

  'oidcc-userinfo-get': (world) => userinfoBy(world, 'get'),
  'oidcc-userinfo-post-header': (world) => userinfoBy(world, 'post-header'),
  'oidcc-userinfo-post-body': (world) => userinfoBy(world, 'post-body'),

  'oidcc-ensure-request-without-nonce-succeeds-for-code-flow': async (world) => {
    const { claims } = await plainFlow(world, { nonce: undefined });
    assert.ok(!('nonce' in claims));
  },

  'oidcc-scope-profile': async (world) => {
    const { told } = await plainFlow(world, { scope: 'openid profile' });
    assertTold(told, profile);
    for (const name of ['preferred_username', 'updated_at', 'locale', 'zoneinfo']) assert.ok(name in told, name);
    assert.equal(typeof told['updated_at'], 'number');
    for (const name of ['email', 'phone_number', 'address']) assert.ok(!(name in told), name);
  },
  'oidcc-scope-email': (world) => emailFlow(world, { scope: 'openid email' }),
  'oidcc-scope-address': async (world) => {
    const { told } = await plainFlow(world, { scope: 'openid address' });
    assertTold(told, address);
    assert.ok(!('email' in told));
  },
  'oidcc-scope-phone': async (world) => {
    const { told } = await plainFlow(world, { scope: 'openid phone' });
    assertTold(told, phone);
    assert.ok(!('email' in told));
  },
  'oidcc-scope-all': async (world) => {
    const { told } = await plainFlow(world, { scope: 'openid profile email address phone' });
    assertTold(told, { ...profile, ...address, ...phone, email_verified: true });
    assert.match(String(told['email']), /@example\.com$/);
  },

  // Parameters and scopes in another order than usual.
  'oidcc-alternate-happy-flow': async (world) => {
    const { person, agent } = await world.newcomer();
    const request = world.party.request({ scope: 'email openid' });
    const reversed = new URLSearchParams([...request].toReversed());
    const { step } = await world.party.goThrough(agent, await world.party.open(agent, reversed), person);
    const parameters = world.party.readAnswer(step, request.get('state'));
    const nonce = request.get('nonce') ?? '';
    const { claims, accessToken } = await world.party.tokensOf({ parameters, nonce, pages: [], state: '' });
    const { claims: told } = await world.party.userinfo(accessToken);
    assert.match(String(told['email']), /@example\.com$/);
    assert.ok(!('email' in claims));
  },

  'oidcc-display-page': async (world) => void (await plainFlow(world, { display: 'page' })),
  'oidcc-display-popup': async (world) => void (await plainFlow(world, { display: 'popup' })),
  'oidcc-ensure-request-with-unknown-parameter-succeeds': async (world) =>
    void (await plainFlow(world, { extra: 'foobar' })),
  'oidcc-ui-locales': async (world) => void (await plainFlow(world, { ui_locales: 'se' })),
  'oidcc-claims-locales': async (world) => void (await plainFlow(world, { claims_locales: 'se' })),

  'oidcc-login-hint': async (world) => {
    const { person, agent } = await world.newcomer();
    await world.party.tokensOf(await world.party.authorize(agent, person, { login_hint: person.username }));
  },

  'oidcc-ensure-request-with-acr-values-succeeds': async (world) => {
    const { issuer } = world.service;
    const metadata = (await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()) as object;
    const supported = (metadata as Record<string, string[]>)['acr_values_supported'] ?? [];
    assert.ok(supported.length > 0);
    const { claims } = await plainFlow(world, { acr_values: supported.join(' ') });
    assert.ok(supported.includes(String(claims['acr'])));
  },

  'oidcc-server-client-secret-post': async ({ secretPost, newcomer }) => {
    const { person, agent } = await newcomer();
    const { accessToken, claims } = await secretPost.tokensOf(await secretPost.authorize(agent, person));
    assert.equal((await secretPost.userinfo(accessToken)).claims['sub'], claims.sub);
  },

  'oidcc-claims-essential': async (world) => {
    const { told } = await plainFlow(world, { claims: JSON.stringify({ userinfo: { name: { essential: true } } }) });
    assert.equal(told['name'], profile.name);
  },

  'oidcc-refresh-token': async ({ party, second, newcomer }) => {
    const { person, agent } = await newcomer();
    const offline = { scope: 'openid offline_access', prompt: 'consent' };
    const first = await party.tokensOf(await party.authorize(agent, person, offline));
    assert.ok(first.refreshToken, 'a refresh token was asked for');
    const again = { grant_type: 'refresh_token', refresh_token: first.refreshToken };
    const answer = await party.token(again);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    assert.notEqual(answer.body.access_token, first.accessToken);
    assert.equal((await party.userinfo(String(answer.body.access_token))).status, 200);
    // Core 12.2: the same person, and when they signed in does not change.
    const claims = await party.verifyIdToken(String(answer.body.id_token), first.claims['nonce'] as string);
    for (const name of ['iss', 'sub', 'aud', 'auth_time']) assert.deepEqual(claims[name], first.claims[name], name);
    const stolen = await second.token({ ...again, refresh_token: answer.body.refresh_token ?? first.refreshToken });
    assert.equal(stolen.status, 400, 'bound to the client it was given to');
    assert.equal(stolen.body.error, 'invalid_grant');
  },

  'oidcc-ensure-request-with-valid-pkce-succeeds': async ({ party, newcomer }) => {
    const { person, agent } = await newcomer();
    const { verifier, parameters } = pkce();
    await party.tokensOf(await party.authorize(agent, person, parameters), { code_verifier: verifier });
  },
};

/** Signs a newcomer in, and asks who it is. */
async function plainFlow({ party, newcomer }: World, changes: Record<string, string | undefined> = {}) {
  const { person, agent } = await newcomer();
  const tokens = await party.tokensOf(await party.authorize(agent, person, changes));
  const { status, claims: told } = await party.userinfo(tokens.accessToken);
  assert.equal(status, 200);
  assert.equal(told['sub'], tokens.claims.sub);
  return { ...tokens, told };
}

async function userinfoBy(world: World, how: 'get' | 'post-header' | 'post-body'): Promise<void> {
  const { person, agent } = await world.newcomer();
  const { accessToken, claims } = await world.party.tokensOf(await world.party.authorize(agent, person));
  const { status, claims: told } = await world.party.userinfo(accessToken, how);
  assert.equal(status, 200);
  assert.equal(told['sub'], claims.sub);
}

/** The address comes from userinfo alone, and the name not at all (Core 5.4). */
async function emailFlow(world: World, changes: Record<string, string>): Promise<void> {
  const { told, claims } = await plainFlow(world, changes);
  assert.match(String(told['email']), /@example\.com$/);
  assert.equal(told['email_verified'], true);
  assert.ok(!('name' in told));
  for (const name of ['email', 'name']) assert.ok(!(name in claims), name);
}

function assertTold(told: Record<string, unknown>, expected: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(expected)) assert.deepEqual(told[name], value, name);
}
