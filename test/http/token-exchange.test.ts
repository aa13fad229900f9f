import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { decodeJwt } from 'jose';
import * as oauth from 'oauth4webapi';
import {
  addProtocolClient,
  dpopProof,
  keyPair,
  pkce,
  post,
  type Answer,
  type ProtocolClient,
} from '../support/protocol-client.ts';
import { startService, type Shape, type TestPerson, type TestService } from '../support/service.ts';
import { codeOf, UserAgent } from '../support/user-agent.ts';

const grant = 'urn:ietf:params:oauth:grant-type:token-exchange';
const accessToken = 'urn:ietf:params:oauth:token-type:access_token';
const [orders, stock] = ['https://orders.example/', 'https://stock.example/'];
/** An API that asks about its tokens; `reader` is its client. */
const ledger = 'https://ledger.example/';
const settings = {
  TWOFOLD_TOKEN_EXCHANGE: 'true',
  TWOFOLD_RESOURCE_SERVERS: `${orders}=read+write,${stock}=read+write+count,${ledger}=read;format=opaque;client=ledger-reader;ttl=60`,
};

for (const shape of ['servers', 'embedded'] as const satisfies readonly Shape[]) {
  describe(`token exchange (${shape})`, () => {
    let service: TestService;
    let web: ProtocolClient;
    let api: ProtocolClient;
    let store: ProtocolClient;

    before(async () => {
      service = await startService(shape, { environment: settings });
      web = await addProtocolClient(service, {
        grant_types: ['authorization_code', 'refresh_token'],
        scope: 'openid read write',
        first_party: true,
      });
      api = await addExchanger([web.id], [orders], [stock, orders, ledger], 'read count');
      store = await addExchanger([api.id], [stock], [orders], 'read');
    });
    after(() => service.close());

    function addExchanger(from: string[], made: string[], audiences: string[], scope: string) {
      return addProtocolClient(service, {
        grant_types: [grant],
        redirect_uris: [],
        scope,
        twofold_token_exchange: { subject_clients: from, subject_audiences: made, audiences },
      });
    }

    /** A token of a person for an API, as the web application gets it. */
    async function personsToken(
      person: TestPerson,
      {
        resource = orders,
        scope = 'openid read write',
        agent = new UserAgent(service.issuer),
        keys,
      }: {
        resource?: string;
        scope?: string;
        agent?: UserAgent;
        keys?: Awaited<ReturnType<typeof keyPair>>;
      } = {},
    ): Promise<string> {
      const { verifier, parameters } = pkce();
      const finished = await agent.signIn(person, {
        client_id: web.id,
        redirect_uri: web.redirectUri,
        scope,
        resource,
        ...parameters,
      });
      const headers =
        keys === undefined ? {} : { headers: { dpop: await dpopProof(keys, 'POST', `${service.issuer}/token`) } };
      const fields = { grant_type: 'authorization_code', code: codeOf(finished), code_verifier: verifier };
      const { body } = await web.post('/token', { ...fields, redirect_uri: web.redirectUri, resource }, headers);
      assert.equal(typeof body['access_token'], 'string', JSON.stringify(body));
      return String(body['access_token']);
    }

    function exchange(client: ProtocolClient, token: string, fields: Record<string, string> = {}, headers = {}) {
      const subject = { subject_token: token, subject_token_type: accessToken };
      return client.post('/token', { grant_type: grant, ...subject, audience: stock, ...fields }, { headers });
    }

    function assertRefused({ status, body }: Answer, error: string): void {
      assert.equal(body.error, error, JSON.stringify(body));
      assert.equal(status, 400);
      assert.equal(body['access_token'], undefined);
    }

    test('a service acts for the person with less, no longer, and named in act', async () => {
      const person = await service.addPerson();
      const token = await personsToken(person);
      const { status, body } = await exchange(api, token);
      assert.equal(status, 200, JSON.stringify(body));
      assert.equal(body['issued_token_type'], accessToken);
      assert.equal(body['refresh_token'], undefined);
      assert.equal(body['id_token'], undefined);
      assert.equal(body['scope'], 'read');
      const [had, got] = [decodeJwt(token), decodeJwt(String(body['access_token']))];
      assert.equal(got.sub, had.sub);
      assert.equal(got.aud, stock);
      assert.equal(got['client_id'], api.id);
      assert.deepEqual(got['act'], { sub: api.id });
      assert.ok((got.exp ?? Infinity) <= (had.exp ?? 0));
      for (const claim of ['acr', 'amr', 'auth_time']) assert.deepEqual(got[claim], had[claim], claim);
      assert.deepEqual(got['amr'], ['pwd', 'otp', 'mfa']);
      const recorded = await service.auditOf(person);
      assert.ok(recorded.some(({ type }) => type === 'token.exchanged'));
    });

    test('whoever acted before stays named, and a chain never comes back to a client', async () => {
      const token = await personsToken(await service.addPerson());
      const first = String((await exchange(api, token)).body['access_token']);
      const second = await exchange(store, first, { audience: orders });
      assert.equal(second.status, 200, JSON.stringify(second.body));
      const { act } = decodeJwt(String(second.body['access_token']));
      assert.deepEqual(act, { sub: store.id, act: { sub: api.id } });
      const looping = await addExchanger([web.id, api.id, store.id], [orders, stock], [stock, orders], 'read');
      const third = await exchange(looping, String(second.body['access_token']));
      assert.equal(third.status, 200, JSON.stringify(third.body));
      const all = await service.composed.services.manageRelyingParties.list();
      await service.composed.services.manageRelyingParties.apply(
        {
          ...all.find(({ clientId }) => clientId === looping.id)?.metadata,
          client_id: looping.id,
          twofold_token_exchange: {
            subject_clients: [looping.id],
            subject_audiences: [stock],
            audiences: [stock, orders],
          },
        },
        'test',
        { requestId: '', address: '', userAgent: '' },
      );
      assertRefused(await exchange(looping, String(third.body['access_token'])), 'invalid_request');
    });

    test('the token of another client, or for another API, is refused as one that is not there', async () => {
      const person = await service.addPerson();
      const agent = new UserAgent(service.issuer);
      const token = await personsToken(person, { agent });
      const stranger = await addExchanger(['somebody-else'], [orders], [stock], 'read');
      const elsewhere = await addExchanger([web.id], [stock], [stock], 'read');
      assertRefused(await exchange(stranger, token), 'invalid_request');
      assertRefused(await exchange(elsewhere, token), 'invalid_request');
      assertRefused(await exchange(api, 'x'.repeat(43)), 'invalid_request');
      assertRefused(await exchange(api, `${token.slice(0, -4)}AAAA`), 'invalid_request');
    });

    test('wider scopes, other audiences and what reaches accounts or operators are refused', async () => {
      const token = await personsToken(await service.addPerson(), { scope: 'openid read' });
      assertRefused(await exchange(api, token, { scope: 'read count' }), 'invalid_scope');
      assertRefused(await exchange(api, token, { scope: 'write' }), 'invalid_scope');
      assertRefused(await exchange(api, token, { audience: 'https://other.example/' }), 'invalid_target');
      assertRefused(await exchange(api, token, { resource: orders }), 'invalid_target');
      for (const own of ['account', 'admin']) {
        const bold = await addExchanger([web.id], [orders], [`${service.issuer}/${own}`], 'account admin:users read');
        assertRefused(await exchange(bold, token, { audience: `${service.issuer}/${own}` }), 'invalid_target');
      }
    });

    test('forms that are not offered are refused: other token types, an actor token, impersonation', async () => {
      const token = await personsToken(await service.addPerson());
      const type = 'urn:ietf:params:oauth:token-type:';
      const forms: readonly Record<string, string>[] = [
        { subject_token_type: `${type}id_token` },
        { subject_token_type: `${type}refresh_token` },
        { subject_token_type: `${type}jwt` },
        { requested_token_type: `${type}refresh_token` },
        { requested_token_type: `${type}id_token` },
        { actor_token: token, actor_token_type: accessToken },
      ];
      for (const fields of forms) assertRefused(await exchange(api, token, fields), 'invalid_request');
    });

    test('the token of a person who is disabled, has signed out or took the access back is refused', async () => {
      const { inTransaction } = service.composed.services;
      const disabled = await service.addPerson();
      const first = await personsToken(disabled);
      await inTransaction(({ users }) => users.setDisabled(disabled.id, true));
      assertRefused(await exchange(api, first), 'invalid_request');

      const gone = await service.addPerson();
      const second = await personsToken(gone);
      await inTransaction(({ sessions }) => sessions.endAll(gone.id, 'sign-out'));
      assertRefused(await exchange(api, second), 'invalid_request');

      const revoked = await service.addPerson();
      const third = await personsToken(revoked);
      const given = await exchange(api, third);
      await inTransaction(({ tokens }) => tokens.removeGrantsOf(revoked.id, web.id));
      assertRefused(await exchange(api, third), 'invalid_request');
      // What was made of it goes with it.
      assertRefused(await exchange(store, String(given.body['access_token']), { audience: orders }), 'invalid_request');
    });

    test('introspection by the API itself tells who acts, until the person takes the access back', async () => {
      const reader = await addProtocolClient(service, {
        client_id: 'ledger-reader',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        scope: 'read',
      });
      const introspect = async (client: ProtocolClient, token: string) =>
        (
          await post(`${service.issuer}/introspect`, {
            token,
            client_id: client === reader ? 'ledger-reader' : client.id,
            client_assertion: await client.assertion(
              client === reader ? { iss: 'ledger-reader', sub: 'ledger-reader' } : {},
            ),
            client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          })
        ).body;
      const person = await service.addPerson();
      const { body } = await exchange(api, await personsToken(person), { audience: ledger });
      assert.equal(body['expires_in'], 60, JSON.stringify(body));
      const token = String(body['access_token']);
      assert.ok(!token.includes('.'));
      for (const client of [reader, api]) {
        const seen = await introspect(client, token);
        assert.equal(seen['active'], true);
        assert.deepEqual(seen['act'], { sub: api.id });
        assert.equal(seen['aud'], ledger);
        assert.deepEqual(seen['amr'], ['pwd', 'otp', 'mfa']);
      }
      assert.deepEqual(await introspect(store, token), { active: false });
      await service.composed.services.inTransaction(({ tokens }) => tokens.removeGrantsOf(person.id, web.id));
      assert.deepEqual(await introspect(reader, token), { active: false });
    });

    test('a bound token does not become a bearer token, whoever brings it', async () => {
      const keys = await keyPair();
      const token = await personsToken(await service.addPerson(), { keys });
      assertRefused(await exchange(api, token), 'invalid_request');
      const own = await keyPair();
      const dpop = await dpopProof(own, 'POST', `${service.issuer}/token`);
      const { body } = await exchange(api, token, {}, { dpop });
      assert.equal(body['token_type'], 'DPoP', JSON.stringify(body));
      assert.ok((decodeJwt(String(body['access_token']))['cnf'] as { jkt?: string }).jkt);
    });

    test('oauth4webapi gets a token by its generic grant', async () => {
      const token = await personsToken(await service.addPerson());
      const as = await oauth
        .discoveryRequest(new URL(service.issuer), { [oauth.allowInsecureRequests]: true })
        .then((response) => oauth.processDiscoveryResponse(new URL(service.issuer), response));
      assert.ok(as.grant_types_supported?.includes(grant));
      const client = { client_id: api.id };
      const response = await oauth.genericTokenEndpointRequest(
        as,
        client,
        oauth.PrivateKeyJwt({ key: api.keys.privateKey, kid: 'client-key' }),
        grant,
        { subject_token: token, subject_token_type: accessToken, audience: stock },
        { [oauth.allowInsecureRequests]: true },
      );
      const answer = await oauth.processGenericTokenEndpointResponse(as, client, response);
      assert.equal(answer['issued_token_type'], accessToken);
    });
  });
}

describe('token exchange', () => {
  test('C24 is off by default: neither offered nor answered', async () => {
    const service = await startService('embedded');
    try {
      const metadata = (await fetch(`${service.issuer}/.well-known/openid-configuration`).then((answer) =>
        answer.json(),
      )) as { grant_types_supported: string[] };
      assert.ok(!metadata.grant_types_supported.includes(grant));
      const client = await addProtocolClient(service, {
        grant_types: ['authorization_code', grant],
        twofold_token_exchange: { subject_clients: ['rp'], subject_audiences: [orders], audiences: [stock] },
      });
      const { body } = await client.post('/token', { grant_type: grant, subject_token: 'x', audience: stock });
      assert.equal(body.error, 'unsupported_grant_type');
    } finally {
      await service.close();
    }
  });

  test('a registration names the grant and its policy together, by an operator, for a client with a proof', async () => {
    const service = await startService('embedded');
    const policy = { subject_clients: ['rp'], subject_audiences: [orders], audiences: [stock] };
    try {
      for (const metadata of [
        { grant_types: [grant] },
        { grant_types: ['authorization_code'], twofold_token_exchange: policy },
        { grant_types: [grant], twofold_token_exchange: { ...policy, audiences: [] } },
        { grant_types: [grant], twofold_token_exchange: { ...policy, more: ['x'] } },
        { grant_types: ['refresh_token', grant], twofold_token_exchange: policy },
      ]) {
        await assert.rejects(addProtocolClient(service, metadata), { code: 'invalid_input' }, JSON.stringify(metadata));
      }
    } finally {
      await service.close();
    }
  });
});
