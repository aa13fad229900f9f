import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { accountApp, appToken, registerAccountApp, signInForApp } from '../support/account-app.ts';
import { startService, type TestService } from '../support/service.ts';
import { testContext } from '../support/stores.ts';
import { UserAgent } from '../support/user-agent.ts';

describe('built-in resource servers', () => {
  let service: TestService;
  before(async () => {
    service = await startService('embedded');
    await registerAccountApp(service);
  });
  after(() => service.close());

  test('a token for the account API has that audience and opens no userinfo', async () => {
    const person = await service.addPerson();
    const tokens = await appToken(service.issuer, await signInForApp(service, person));
    assert.equal(tokens.scope, 'account');
    const me = await fetch(`${service.issuer}/me`, { headers: { authorization: `Bearer ${tokens.access_token}` } });
    assert.equal(me.status, 403);
    const found = await service.composed.services.database.kysely.selectFrom('grants').selectAll().execute();
    assert.ok(JSON.stringify(found).includes(`${service.issuer}/account`));
  });

  test('who asks for no resource at the token endpoint gets a token for userinfo alone', async () => {
    const person = await service.addPerson();
    const { resource: _resource, ...fields } = await signInForApp(service, person);
    const tokens = await appToken(service.issuer, fields);
    assert.equal(tokens.scope, 'openid');
    const me = await fetch(`${service.issuer}/me`, { headers: { authorization: `Bearer ${tokens.access_token}` } });
    assert.equal(me.status, 200);
  });

  test('a client whose registration names no scope of the API is refused, and so is an unknown resource', async () => {
    const agent = new UserAgent(service.issuer);
    for (const resource of [`${service.issuer}/account`, `${service.issuer}/admin`, 'https://api.example/']) {
      const answer = await agent.begin({ scope: 'openid account', resource });
      assert.match(answer.location ?? '', /error=invalid_target/, resource);
    }
    const elsewhere = await agent.begin({
      client_id: accountApp.id,
      redirect_uri: accountApp.redirectUri,
      resource: `${service.issuer}/admin`,
    });
    assert.match(elsewhere.location ?? '', /error=invalid_target/);
  });

  test('a service gets the admin scopes it was registered with, and no others', async () => {
    const secret = 'a secret of the service client, long enough';
    await service.composed.services.manageRelyingParties.apply(
      {
        client_id: 'service',
        client_secret: secret,
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
        scope: 'admin:users:read admin:audit:read',
      },
      'test',
      testContext,
    );
    const response = await fetch(`${service.issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`service:${encodeURIComponent(secret)}`).toString('base64')}` },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        resource: `${service.issuer}/admin`,
        scope: 'admin:users:read admin:users admin:keys',
      }),
    });
    const body = (await response.json()) as { scope?: string; access_token?: string };
    assert.equal(body.scope, 'admin:users:read');
  });

  test('introspection tells what was proven when the token was issued', async () => {
    const person = await service.addPerson();
    const agent = new UserAgent(service.issuer);
    const tokens = await agent.redeem(await agent.signIn(person));
    const answer = (await fetch(`${service.issuer}/introspect`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`rp:${encodeURIComponent('a secret of the test client, long enough')}`).toString('base64')}`,
      },
      body: new URLSearchParams({ token: tokens.access_token }),
    }).then((response) => response.json())) as Record<string, unknown>;
    assert.equal(answer['acr'], 'urn:twofold:acr:2fa');
    assert.deepEqual(answer['amr'], ['pwd', 'otp', 'mfa']);
    assert.equal(typeof answer['auth_time'], 'number');
  });
});
