import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { decodeJwt } from 'jose';
import { addProtocolClient, pkce, type ProtocolClient } from '../support/protocol-client.ts';
import { startService, type Shape, type TestService } from '../support/service.ts';
import { codeOf, UserAgent, type StepAnswer } from '../support/user-agent.ts';

const [bank, ledger] = ['https://bank.example/', 'https://ledger.example/'];
const types = {
  payment: {
    title: { en: 'Make a payment', de: 'Eine Zahlung auslösen' },
    resource: bank,
    schema: {
      properties: {
        amount: { type: 'string', pattern: '^[0-9]+\\.[0-9]{2}$' },
        creditor: { type: 'string', maxLength: 70 },
        actions: { type: 'array', items: { enum: ['initiate', 'status', 'cancel'] } },
      },
      required: ['amount', 'creditor'],
    },
  },
  entries: { title: 'Read entries', resource: ledger, schema: { properties: { year: { type: 'integer' } } } },
};
const environment = {
  TWOFOLD_AUTHORIZATION_DETAILS_TYPES: JSON.stringify(types),
  TWOFOLD_RESOURCE_SERVERS: `${bank}=pay,${ledger}=read;format=opaque`,
};
const payment = { type: 'payment', amount: '123.50', creditor: 'Merchant A', actions: ['initiate', 'status'] };

for (const shape of ['servers', 'embedded'] as const satisfies readonly Shape[]) {
  describe(`rich authorization requests (${shape})`, () => {
    let service: TestService;
    let shop: ProtocolClient;
    before(async () => {
      service = await startService(shape, { environment });
      shop = await addShop({ authorization_details_types: ['payment', 'entries'] });
    });
    after(() => service.close());

    const addShop = (metadata: Record<string, unknown>) =>
      addProtocolClient(service, {
        grant_types: ['authorization_code', 'refresh_token'],
        scope: 'openid offline_access pay read',
        first_party: true,
        ...metadata,
      });

    const parametersOf = (client: ProtocolClient, details: unknown, resource = bank) => ({
      client_id: client.id,
      redirect_uri: client.redirectUri,
      scope: 'openid offline_access pay read',
      prompt: 'consent',
      resource,
      authorization_details: JSON.stringify(details),
    });

    /** Signs in up to the consent page. */
    async function toConsent(parameters: Record<string, string>, agent = new UserAgent(service.issuer)) {
      const person = await service.addPerson();
      const first = await agent.begin(parameters);
      const code = await agent.submitPassword(first, person);
      return { agent, step: await agent.submit(code, { code: person.code() }) };
    }

    async function redeem(finished: StepAnswer, verifier: string, more: Record<string, string> = {}) {
      const code = codeOf(finished);
      const fields = { grant_type: 'authorization_code', code, code_verifier: verifier, resource: bank };
      return shop.post('/token', { ...fields, redirect_uri: shop.redirectUri, ...more });
    }

    test('what was shown and allowed, and nothing else, is in the answer, the token and its refresh', async () => {
      const { verifier, parameters } = pkce();
      const { agent, step } = await toConsent({ ...parametersOf(shop, [payment]), ...parameters });
      assert.equal(step.page, 'consent', JSON.stringify(step));
      const [shown] = (step as unknown as { details: { title: { en: string }; fields: unknown[] }[] }).details;
      assert.equal(shown?.title.en, 'Make a payment');
      assert.deepEqual(shown?.fields, [
        { name: 'amount', value: '123.50' },
        { name: 'creditor', value: 'Merchant A' },
        { name: 'actions', value: 'initiate, status' },
      ]);
      const { body } = await redeem(await agent.submit(step, { decision: 'allow' }), verifier);
      assert.deepEqual(body['authorization_details'], [payment], JSON.stringify(body));
      assert.deepEqual(decodeJwt(String(body['access_token']))['authorization_details'], [payment]);

      const refresh = (details: unknown) =>
        shop.post('/token', {
          grant_type: 'refresh_token',
          refresh_token: String(body['refresh_token']),
          resource: bank,
          authorization_details: JSON.stringify(details),
        });
      const less = { ...payment, actions: ['status'] };
      assert.deepEqual((await refresh([less])).body['authorization_details'], [less]);
      for (const more of [
        { ...payment, amount: '999.00' },
        { ...payment, actions: ['initiate', 'cancel'] },
        { ...payment, creditor: 'Merchant B' },
      ]) {
        assert.equal((await refresh([more])).body.error, 'invalid_authorization_details', JSON.stringify(more));
      }
    });

    test('a page shows the person every field in words', async () => {
      const { parameters } = pkce();
      const { agent, step } = await toConsent({ ...parametersOf(shop, [payment]), ...parameters });
      const page = await (await agent.get(step.action.replace(/\/consent$/, ''))).text();
      for (const words of ['Make a payment', '123.50', 'Merchant A']) assert.ok(page.includes(words), words);
    });

    test('it comes by a pushed request too, and each request is asked anew', async () => {
      const { verifier, parameters } = pkce();
      const fields = { ...parametersOf(shop, [payment]), ...parameters, response_type: 'code', state: 's' };
      const pushed = await shop.post('/par', fields);
      assert.equal(pushed.status, 201, JSON.stringify(pushed.body));
      const asked = { client_id: shop.id, request_uri: String(pushed.body['request_uri']) };
      const person = await service.addPerson();
      const agent = new UserAgent(service.issuer);
      const begun = await agent.get(`/auth?${new URLSearchParams(asked).toString()}`);
      const first = await agent.follow(begun.headers.get('location') ?? '');
      const code = await agent.submitPassword(first, person);
      const step = await agent.submit(code, { code: person.code() });
      assert.equal(step.page, 'consent');
      const { body } = await redeem(await agent.submit(step, { decision: 'allow' }), verifier);
      assert.deepEqual(body['authorization_details'], [payment]);

      const again = { ...parametersOf(shop, [{ ...payment, amount: '5.00' }]), prompt: 'none' };
      const silent = await agent.begin(again);
      assert.match(silent.location ?? '', /error=consent_required/);
    });

    test('introspection of an opaque token tells the details of its own API alone', async () => {
      const { verifier, parameters } = pkce();
      const asked = { ...parametersOf(shop, [{ type: 'entries', year: 2026 }], ledger), ...parameters };
      const { agent, step } = await toConsent(asked);
      const { body } = await redeem(await agent.submit(step, { decision: 'allow' }), verifier, { resource: ledger });
      const seen = await shop.post('/introspect', { token: String(body['access_token']) });
      assert.deepEqual(seen.body['authorization_details'], [{ type: 'entries', year: 2026 }]);
    });

    test('unknown types and fields, and what a client was not registered for, are refused', async () => {
      const plain = await addShop({});
      const refused: [ProtocolClient, unknown, string?][] = [
        [shop, [{ type: 'unheard-of' }]],
        [shop, [{ ...payment, secretly: 'more' }]],
        [shop, [{ ...payment, amount: 'all' }]],
        [shop, [{ type: 'payment' }]],
        [shop, [{ ...payment, creditor: 'A\u202Egnitset' }]],
        [shop, { type: 'payment' }],
        [shop, [payment], ledger],
        [plain, [payment]],
      ];
      for (const [client, details, resource] of refused) {
        const answer = await new UserAgent(service.issuer).begin(parametersOf(client, details, resource));
        assert.match(answer.location ?? '', /error=invalid_authorization_details/, JSON.stringify(details));
      }
    });

    test('nobody grants details to a service that asks for itself', async () => {
      const robot = await addProtocolClient(service, {
        grant_types: ['client_credentials'],
        redirect_uris: [],
        scope: 'pay',
        authorization_details_types: ['payment'],
      });
      const fields = { grant_type: 'client_credentials', scope: 'pay', resource: bank };
      const asked = await robot.post('/token', { ...fields, authorization_details: JSON.stringify([payment]) });
      assert.equal(asked.body.error, 'invalid_authorization_details');
    });
  });
}

test('rich authorization requests are off by default', async () => {
  const service = await startService('embedded');
  try {
    const published = (await (await fetch(`${service.issuer}/.well-known/openid-configuration`)).json()) as object;
    assert.ok(!('authorization_details_types_supported' in published));
  } finally {
    await service.close();
  }
});
