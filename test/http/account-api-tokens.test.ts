import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import { accountToken, appToken, registerAccountApp, signInForApp } from '../support/account-app.ts';
import { startService, type TestService } from '../support/service.ts';
import { testContext } from '../support/stores.ts';
import { UserAgent } from '../support/user-agent.ts';

describe('tokens of the account API', () => {
  let service: TestService;
  before(async () => {
    service = await startService('embedded', { environment: { TWOFOLD_SECOND_FACTOR: 'optional' } });
    await registerAccountApp(service);
  });
  after(() => service.close());

  function address(path: string): string {
    return `${service.issuer}/account/api/v1${path}`;
  }

  test('D01 a token from a sign-in with the password alone is asked for more', async () => {
    const person = await service.addPerson({ withoutFactor: true });
    const token = await accountToken(service, person);
    for (const path of ['/second-factor', '/export', '/activity']) {
      const answer = await fetch(address(path), { headers: { authorization: `Bearer ${token}` } });
      assert.equal(answer.status, 401, path);
      assert.match(answer.headers.get('www-authenticate') ?? '', /insufficient_user_authentication.*acr:2fa/);
    }
    const recorded = await service.composed.services.auditReader.list(
      { person: person.id, types: ['access.refused'] },
      { limit: 10 },
    );
    assert.equal(recorded.items.length, 3);
  });

  test('D01 the challenge’s own words lead to a token that is strong enough', async () => {
    const person = await service.addPerson({ withoutFactor: true });
    const agent = new UserAgent(service.issuer);
    await accountToken(service, person, agent);
    const step = await agent.begin({ acr_values: 'urn:twofold:acr:2fa' });
    assert.equal(step.page, 'enrol', 'who has no factor may only enrol');
  });

  test('where the policy lets it go, the last authenticator goes with codes and browsers, and no other session stays', async () => {
    const person = await service.addPerson();
    const elsewhere = new UserAgent(service.issuer);
    await elsewhere.submit(await elsewhere.submitPassword(await elsewhere.begin(), person), { code: person.code(-1) });
    const token = await accountToken(service, person);
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const status = async (): Promise<{ enabled: boolean; authenticators: { id: string }[] }> =>
      (await (await fetch(address('/second-factor'), { headers })).json()) as never;
    const { authenticators } = await status();
    const removed = await fetch(address(`/second-factor/totp/${authenticators[0]?.id}/remove`), {
      method: 'POST',
      headers,
      body: JSON.stringify({ code: person.code(1) }),
    });
    assert.equal(removed.status, 204, await removed.text());
    assert.equal((await status()).enabled, false);
    assert.match((await elsewhere.begin({ prompt: 'none' })).location ?? '', /error=login_required/);
    const browsers = await service.composed.services.database.kysely
      .selectFrom('known_browsers')
      .select('token_hash')
      .where('user_id', '=', person.id)
      .execute();
    assert.equal(browsers.length, 0);
    const again = new UserAgent(service.issuer);
    const next = await again.submitPassword(await again.begin(), person);
    assert.equal(next.page, 'consent', 'D10 nothing asks for the removed one any more');
  });

  test('E30 a token for the API ends with its session, unless its client may go on without one', async () => {
    for (const offline of [false, true]) {
      const person = await service.addPerson();
      const agent = new UserAgent(service.issuer);
      const asked: Record<string, string> = offline
        ? { scope: 'openid account offline_access', prompt: 'consent' }
        : {};
      const fields = await signInForApp(service, person, asked, agent);
      const tokens = await appToken(service.issuer, fields);
      const status = async (value: string): Promise<number> =>
        (await fetch(`${service.issuer}/account/api/v1/sessions`, { headers: { authorization: `Bearer ${value}` } }))
          .status;
      assert.equal(await status(tokens.access_token), 200);
      const page = await (await agent.get('/account')).text();
      await agent.post('/account/sign-out', { csrf: /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? '' });
      assert.equal(await status(tokens.access_token), offline ? 200 : 401, `offline ${offline}`);
      if (!offline) continue;
      const refresh = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token ?? '' };
      const next = await appToken(service.issuer, { ...refresh, resource: `${service.issuer}/account` });
      assert.equal(await status(next.access_token), 200, 'what it gets by its refresh token works');
      await service.composed.services.manageUsers.setDisabled(person.id, true, 'test', testContext);
      assert.equal(await status(next.access_token), 401, 'and ends with the person');
    }
  });

  test('E16 a token bound to a key is taken with a proof of that key alone, and each proof once', async () => {
    const person = await service.addPerson();
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    const jwk = await exportJWK(publicKey);
    const fields = await signInForApp(service, person);
    const tokens = await appToken(service.issuer, fields, {
      DPoP: await proof(privateKey, jwk, 'POST', `${service.issuer}/token`),
    });
    assert.equal(tokens.token_type, 'DPoP');
    const get = (headers: Record<string, string>): Promise<Response> => fetch(address('/second-factor'), { headers });
    const authorization = `DPoP ${tokens.access_token}`;
    const good = await proof(privateKey, jwk, 'GET', address('/second-factor'), tokens.access_token);
    assert.equal((await get({ authorization, DPoP: good })).status, 200);
    assert.equal((await get({ authorization, DPoP: good })).status, 401, 'the same proof again');
    assert.equal((await get({ authorization: `Bearer ${tokens.access_token}` })).status, 401, 'as a bearer token');
    assert.equal((await get({ authorization })).status, 401, 'without a proof');
    const otherAddress = await proof(privateKey, jwk, 'GET', address('/sessions'), tokens.access_token);
    assert.equal((await get({ authorization, DPoP: otherAddress })).status, 401, 'for another address');
    const other = await generateKeyPair('ES256', { extractable: true });
    const foreign = await proof(
      other.privateKey,
      await exportJWK(other.publicKey),
      'GET',
      address('/second-factor'),
      tokens.access_token,
    );
    assert.equal((await get({ authorization, DPoP: foreign })).status, 401, 'with another key');
  });

  async function proof(key: CryptoKey, jwk: JWK, htm: string, htu: string, token?: string): Promise<string> {
    const ath = token === undefined ? {} : { ath: createHash('sha256').update(token).digest('base64url') };
    return new SignJWT({ htm, htu, jti: randomUUID(), ...ath })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
      .setIssuedAt()
      .sign(key);
  }
});
