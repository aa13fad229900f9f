import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { createRemoteJWKSet, decodeProtectedHeader, exportSPKI, importJWK, jwtVerify, type JWK } from 'jose';
import { addParty } from '../support/policy-parties.ts';
import { addProtocolClient, pkce, post, type ProtocolClient } from '../support/protocol-client.ts';
import { startService, testClient, type TestPerson, type TestService } from '../support/service.ts';
import { codeOf, token, UserAgent } from '../support/user-agent.ts';

describe('what tokens say, and what they are worth', () => {
  let service: TestService;
  let web: ProtocolClient;
  before(async () => {
    service = await startService('embedded');
    web = await addProtocolClient(service, {
      grant_types: ['authorization_code', 'refresh_token'],
      backchannel_logout_uri: 'https://rp.example/logout',
      backchannel_logout_session_required: true,
    });
  });
  after(() => service.close());

  async function tokensOf(
    person: TestPerson,
    more: Record<string, string> = {},
    agent = new UserAgent(service.issuer),
  ) {
    const { verifier, parameters } = pkce();
    const finished = await agent.signIn(person, {
      client_id: web.id,
      redirect_uri: web.redirectUri,
      ...parameters,
      ...more,
    });
    const fields = {
      grant_type: 'authorization_code',
      code: codeOf(finished),
      code_verifier: verifier,
      redirect_uri: web.redirectUri,
    };
    return { answer: await web.post('/token', fields), finished, agent };
  }

  test('E19 an ID token says who, for whom, until when, how and when; signed by a published key', async () => {
    const person = await service.addPerson();
    const before = Math.floor(Date.now() / 1000);
    const { answer } = await tokensOf(person, { nonce: 'the-nonce', max_age: '3600' });
    const idToken = String(answer.body['id_token']);
    const { keys } = (await (await fetch(`${service.issuer}/jwks`)).json()) as { keys: JWK[] };
    const { kid, alg } = decodeProtectedHeader(idToken);
    assert.ok(keys.some((key) => key.kid === kid && key.alg === alg));
    assert.ok(['RS256', 'ES256', 'EdDSA'].includes(String(alg)));
    const { payload } = await jwtVerify(idToken, createRemoteJWKSet(new URL(`${service.issuer}/jwks`)), {
      issuer: service.issuer,
      audience: web.id,
    });
    assert.equal(payload.sub, person.id);
    assert.equal(payload['nonce'], 'the-nonce');
    assert.deepEqual(payload['amr'], ['pwd', 'otp', 'mfa']);
    assert.equal(payload['acr'], 'urn:twofold:acr:2fa');
    assert.ok(Number(payload['auth_time']) >= before && Number(payload['auth_time']) <= Number(payload.iat));
    assert.ok(Number(payload.exp) - Number(payload.iat) <= 3600);
    assert.equal(typeof payload['sid'], 'string');
    assert.ok(payload['azp'] === undefined || payload['azp'] === web.id);
    const without = await tokensOf(person, {}, (await tokensOf(await service.addPerson())).agent).catch(
      () => undefined,
    );
    if (without !== undefined) {
      const [, body = ''] = String(without.answer.body['id_token']).split('.');
      assert.doesNotMatch(Buffer.from(body, 'base64url').toString(), /nonce/);
    }
  });

  test('E22 scopes do not grow: not by a refresh, not by a device, not without consent', async () => {
    const person = await service.addPerson();
    const { answer } = await tokensOf(person, { scope: 'openid offline_access', prompt: 'consent' });
    const refresh = { grant_type: 'refresh_token', refresh_token: String(answer.body['refresh_token']) };
    assert.equal(
      (await web.post('/token', { ...refresh, scope: 'openid offline_access email' })).body.error,
      'invalid_scope',
    );
    const kept = await web.post('/token', refresh);
    assert.equal(kept.status, 200);
    assert.doesNotMatch(String(kept.body['scope']), /email/);
    // offline_access without prompt=consent is not given (OpenID Connect Core section 11).
    const plain = await tokensOf(await service.addPerson(), { scope: 'openid offline_access' });
    assert.doesNotMatch(String(plain.answer.body['scope']), /offline_access/);
    const grant = 'urn:ietf:params:oauth:grant-type:device_code';
    const device = await addProtocolClient(service, { grant_types: [grant], redirect_uris: [], scope: 'openid' });
    const begun = await device.post('/device/auth', { scope: 'openid admin:users' });
    assert.ok(begun.status >= 400 || !JSON.stringify(begun.body).includes('admin'));
  });

  test('E23 consent is asked whenever it was not given for just this, and no form gives it for another', async () => {
    const person = await service.addPerson();
    const agent = new UserAgent(service.issuer);
    await agent.signIn(person, { scope: 'openid' });
    assert.match((await agent.begin({ prompt: 'none', scope: 'openid' })).location ?? '', /[?&]code=/);
    assert.match(
      (await agent.begin({ prompt: 'none', scope: 'openid email' })).location ?? '',
      /error=consent_required/,
    );
    await addParty(service, 'other');
    assert.match((await agent.begin({ client_id: 'other', prompt: 'none' })).location ?? '', /error=consent_required/);
    const step = await agent.begin({ client_id: 'other', scope: 'openid email' });
    assert.equal(step.page, 'consent');
    const tricked = await agent.submit(step, { consent: 'yes', scope: 'openid' });
    assert.equal(tricked.page, 'consent', 'only the decision of this page counts');
    const second = new UserAgent(service.issuer);
    const theirs = await second.begin();
    const crossed = await agent.submit(step, { decision: 'allow' }, theirs.action.replace(/password$/, 'consent'));
    assert.doesNotMatch(crossed.location ?? '', /[?&]code=/);
    const native = await addProtocolClient(service, {
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      jwks: undefined,
      redirect_uris: ['com.example.app:/callback'],
    });
    const asked = await agent.begin({
      client_id: native.id,
      redirect_uri: 'com.example.app:/callback',
      ...pkce().parameters,
    });
    assert.equal(asked.page, 'consent');
  });

  test('E26 a token that was signed by nobody, by a public key as a secret, or by a key it brings itself is nothing', async () => {
    const { keys } = (await (await fetch(`${service.issuer}/jwks`)).json()) as { keys: JWK[] };
    const rsa = keys.find(({ alg }) => alg === 'RS256');
    assert.ok(rsa);
    const publicPem = await exportSPKI(
      (await importJWK(rsa, 'RS256', { extractable: true })) as Parameters<typeof exportSPKI>[0],
    );
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = {
      iss: web.id,
      sub: web.id,
      aud: service.issuer,
      jti: 'x',
      exp: Math.floor(Date.now() / 1000) + 60,
      iat: Math.floor(Date.now() / 1000),
    };
    const byPublicKey = (header: object): string => {
      const signed = `${part(header)}.${part(claims)}`;
      return `${signed}.${createHmac('sha256', publicPem).update(signed).digest('base64url')}`;
    };
    const hostile = [
      `${part({ alg: 'none' })}.${part(claims)}.`,
      byPublicKey({ alg: 'HS256' }),
      byPublicKey({ alg: 'HS256', kid: rsa.kid }),
      byPublicKey({ alg: 'ES256', jku: 'https://evil.example/jwks', kid: 'x' }),
      byPublicKey({ alg: 'ES256', x5u: 'https://evil.example/cert' }),
      byPublicKey({ alg: 'ES256', jwk: rsa }),
      byPublicKey({ alg: 'ES256', kid: "../../dev/null' or 1=1 --" }),
      `${part({ alg: 'PBES2-HS512+A256KW', enc: 'A256GCM', p2c: 1_000_000_000, p2s: 'x' })}.x.x.x.x`,
      `${part({ alg: 'dir', enc: 'A256GCM', zip: 'DEF' })}..x.${'A'.repeat(20_000)}.x`,
    ];
    for (const jwt of hostile) {
      const assertion = await web.post('/token', { grant_type: 'client_credentials' }, { assertion: jwt });
      assert.ok(assertion.status >= 400 && assertion.status < 500, jwt.slice(0, 60));
      const me = await fetch(`${service.issuer}/me`, { headers: { authorization: `Bearer ${jwt.slice(0, 7000)}` } });
      assert.ok([400, 401].includes(me.status), `${me.status} ${jwt.slice(0, 60)}`);
      const query = {
        client_id: testClient.id,
        redirect_uri: testClient.redirectUri,
        scope: 'openid',
        response_type: 'code',
        ...pkce().parameters,
      };
      const hinted = await fetch(
        `${service.issuer}/auth?${new URLSearchParams({ ...query, id_token_hint: jwt.slice(0, 4000), prompt: 'none' }).toString()}`,
        { redirect: 'manual' },
      );
      assert.doesNotMatch(hinted.headers.get('location') ?? '', /[?&]code=/);
    }
    const huge = await post(`${service.issuer}/token`, { client_assertion: 'A'.repeat(10_000_000) });
    assert.ok(huge.status >= 400 && huge.status < 500);
  });

  test('E30 a family of refresh tokens ends two weeks after its first, and with the session unless offline', async () => {
    const person = await service.addPerson();
    const { answer } = await tokensOf(person, { scope: 'openid offline_access', prompt: 'consent' });
    const { kysely } = service.composed.services.database;
    const ends = async (): Promise<number> => {
      const rows = await kysely.selectFrom('tokens').select('expires_at').where('kind', '=', 'RefreshToken').execute();
      return Math.max(...rows.map(({ expires_at: at }) => at.getTime()));
    };
    const first = await ends();
    assert.ok(first - Date.now() <= 14 * 86_400_000);
    for (let hour = 0; hour < 3; hour += 1) {
      const next = await web.post('/token', {
        grant_type: 'refresh_token',
        refresh_token: String(answer.body['refresh_token']),
      });
      assert.equal(next.status, 200);
    }
    assert.ok((await ends()) <= first + 1000, 'however often it is used');
    // Without offline_access it goes with the session.
    const agent = new UserAgent(service.issuer);
    const finished = await agent.signIn(await service.addPerson());
    const tokens = await agent.redeem(finished);
    const page = await (await agent.get('/account')).text();
    await agent.post('/account/sign-out', { csrf: /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? '' });
    const after = await fetch(`${service.issuer}/me`, { headers: { authorization: `Bearer ${tokens.access_token}` } });
    assert.equal(after.status, 401);
    if (tokens.refresh_token !== undefined) {
      const dead = await token(service.issuer, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token });
      assert.equal(dead.error, 'invalid_grant');
    }
  });
});
