import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { SignJWT } from 'jose';
import * as oauth from 'oauth4webapi';
import { readRelyingParty } from '../../src/relying-parties/manage-relying-parties.ts';
import { createAdministerRelyingParties } from '../../src/relying-parties/administer-relying-parties.ts';
import { post } from '../support/protocol-client.ts';
import { startService, type Shape, type TestService } from '../support/service.ts';
import { testContext } from '../support/stores.ts';

const api = 'https://orders.example/';
const environment = { TWOFOLD_CLIENT_SECRET_JWT: 'true', TWOFOLD_RESOURCE_SERVERS: `${api}=read` };
const metadata = {
  token_endpoint_auth_method: 'client_secret_jwt',
  grant_types: ['client_credentials'],
  redirect_uris: [],
  scope: 'read',
};

for (const shape of ['servers', 'embedded'] as const satisfies readonly Shape[]) {
  describe(`client_secret_jwt (${shape})`, () => {
    let service: TestService;
    before(async () => {
      service = await startService(shape, { environment });
    });
    after(() => service.close());

    async function addClient(): Promise<{ id: string; secret: string }> {
      const id = `jwt-${randomUUID().slice(0, 8)}`;
      const { manageRelyingParties } = service.composed.services;
      const made = await manageRelyingParties.apply({ client_id: id, ...metadata }, 'test', testContext);
      return { id, secret: made.clientSecret ?? '' };
    }

    function assertion(id: string, secret: string, claims: Record<string, unknown> = {}, alg = 'HS256') {
      const now = Math.floor(Date.now() / 1000);
      return new SignJWT({
        iss: id,
        sub: id,
        aud: service.issuer,
        jti: randomUUID(),
        iat: now,
        exp: now + 60,
        ...claims,
      })
        .setProtectedHeader({ alg })
        .sign(Buffer.from(secret));
    }

    const ask = (id: string, signed: string) =>
      post(`${service.issuer}/token`, {
        grant_type: 'client_credentials',
        client_id: id,
        resource: api,
        scope: 'read',
        client_assertion: signed,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      });

    test('oauth4webapi authenticates by it', async () => {
      const { id, secret } = await addClient();
      const insecure = { [oauth.allowInsecureRequests]: true };
      const as = await oauth
        .discoveryRequest(new URL(service.issuer), insecure)
        .then((response) => oauth.processDiscoveryResponse(new URL(service.issuer), response));
      assert.ok(as.token_endpoint_auth_methods_supported?.includes('client_secret_jwt'));
      const client = { client_id: id };
      const parameters = { scope: 'read', resource: api };
      const auth = oauth.ClientSecretJwt(secret);
      const response = await oauth.clientCredentialsGrantRequest(as, client, auth, parameters, insecure);
      const answer = await oauth.processClientCredentialsResponse(as, client, response);
      assert.equal(answer.token_type, 'bearer');
    });

    test('an assertion serves once, and is made for the issuer alone', async () => {
      const { id, secret } = await addClient();
      const signed = await assertion(id, secret);
      assert.equal((await ask(id, signed)).status, 200);
      assert.equal((await ask(id, signed)).body.error, 'invalid_client');
      const audiences = [`${service.issuer}/token`, [service.issuer, 'https://other.example'], 'https://other.example'];
      for (const aud of audiences) {
        assert.equal((await ask(id, await assertion(id, secret, { aud }))).body.error, 'invalid_client');
      }
      assert.equal((await ask(id, await assertion(id, secret, {}, 'HS512'))).body.error, 'invalid_client');
      assert.equal((await ask(id, await assertion(id, 'x'.repeat(43)))).body.error, 'invalid_client');
    });

    test('two secrets are live in a rotation, and one that was taken away is dead at once', async () => {
      const { id, secret } = await addClient();
      const { inTransaction, acrNames } = service.composed.services;
      const administer = createAdministerRelyingParties({ inTransaction, acrNames, checkMetadata: () => {} });
      const next = await administer.addSecret(id, undefined, 'test', testContext);
      for (const one of [secret, next.secret]) assert.equal((await ask(id, await assertion(id, one))).status, 200);
      const { secrets } = await administer.find(id);
      const first = secrets.find((listed) => listed.id !== next.id);
      await administer.removeSecret(id, first?.id ?? '', 'test', testContext);
      assert.equal((await ask(id, await assertion(id, secret))).body.error, 'invalid_client');
      assert.equal((await ask(id, await assertion(id, next.secret))).status, 200);
    });

    test('the secret is kept sealed to its row, and only of a client that signs with it', async () => {
      const { id, secret } = await addClient();
      const db = service.composed.services.database.kysely;
      const rows = await db.selectFrom('relying_party_secrets').selectAll().execute();
      assert.ok(!JSON.stringify(rows).includes(secret));
      assert.deepEqual(
        rows.filter((row) => row.secret_sealed !== null && row.client_id === 'rp'),
        [],
      );
      // A copy into another client's row opens nothing.
      const other = await addClient();
      const mine = rows.find((row) => row.client_id === id);
      await db
        .updateTable('relying_party_secrets')
        .set({ secret_sealed: mine?.secret_sealed ?? '' })
        .where('client_id', '=', other.id)
        .execute();
      assert.notEqual((await ask(other.id, await assertion(other.id, secret))).status, 200);
    });
  });
}

test('client_secret_jwt is off by default, and never for a FAPI client', async () => {
  const service = await startService('embedded');
  try {
    const answer = await fetch(`${service.issuer}/.well-known/openid-configuration`);
    const published = (await answer.json()) as { token_endpoint_auth_methods_supported: string[] };
    assert.ok(!published.token_endpoint_auth_methods_supported.includes('client_secret_jwt'));
    const fapi = { client_id: 'x', ...metadata, twofold_fapi_profile: 'security' };
    assert.throws(() => readRelyingParty(fapi, service.composed.services.acrNames), {
      field: 'token_endpoint_auth_method',
    });
  } finally {
    await service.close();
  }
});
