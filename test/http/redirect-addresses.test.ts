import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { addParty } from '../support/policy-parties.ts';
import { pkce } from '../support/protocol-client.ts';
import { startService, testClient, type TestService } from '../support/service.ts';
import { testContext } from '../support/stores.ts';
import { UserAgent } from '../support/user-agent.ts';

describe('where a sign-in may lead', () => {
  let service: TestService;
  const registered = 'https://good.example/callback';
  before(async () => {
    service = await startService('embedded');
    await addParty(service, 'good', { redirect_uris: [registered] });
  });
  after(() => service.close());

  const ask = (parameters: Record<string, string>): Promise<Response> => {
    const query = { client_id: 'good', response_type: 'code', scope: 'openid', ...pkce().parameters, ...parameters };
    return new UserAgent(service.issuer).get(`/auth?${new URLSearchParams(query).toString()}`);
  };
  /** An error on a page of ours, and nobody sent anywhere. */
  async function assertStays(answer: Response, what: string): Promise<string> {
    assert.equal(answer.status, 400, what);
    assert.equal(answer.headers.get('location'), null, what);
    const text = await answer.text();
    assert.match(text, /data-page="error"/, what);
    return text;
  }

  test('E01 an address counts only as it was registered, sign for sign', async () => {
    for (const address of [
      `${registered}/more`,
      'https://good.example/callback/../callback',
      'https://good.example/%2e%2e/callback',
      'https://good.example/Callback',
      'https://GOOD.example/callback',
      `${registered}/`,
      `${registered}?more=1`,
      `${registered}#part`,
      'https://good@evil.example/callback',
      'https://good.example\\@evil.example/callback',
      'https://good.example@evil.example/callback',
      'https://good.example\\.evil.example/callback',
      '//good.example/callback',
      'https://good.example:8443/callback',
      'https://good.example.evil.example/callback',
      'https://xn--god-sna.example/callback',
      'https://*.example/callback',
      'http://good.example/callback',
      'http://localhost/callback',
      'http://127.0.0.1/callback',
      `${registered}\u0000`,
      `${registered}\t`,
      ` ${registered}`,
      'javascript:alert(1)',
      '',
    ]) {
      await assertStays(await ask({ redirect_uri: address }), JSON.stringify(address));
    }
    assert.equal((await ask({ redirect_uri: registered })).status, 303);
  });

  test('E02 an address that is left out is an error, though only one is registered', async () => {
    await assertStays(await ask({}), 'none');
  });

  test('E03 no address that runs something is registered, nor another scheme for a web application', async () => {
    for (const address of [
      'javascript:alert(1)',
      'data:text/html,<script>alert(1)</script>',
      'vbscript:msgbox(1)',
      'file:///etc/passwd',
      'com.example.app:/callback',
      'http://good.example/callback',
      'https://good.example/callback#part',
      'https://user:pass@good.example/callback',
    ]) {
      await assert.rejects(
        async () =>
          service.composed.services.manageRelyingParties.apply(
            { client_id: 'odd', client_secret: testClient.secret, redirect_uris: [address] },
            'test',
            testContext,
          ),
        { code: 'invalid_input' },
        address,
      );
    }
  });

  test('E33 errors before a client and its address are known stay here, say nothing unescaped, and lead nowhere', async () => {
    const hostile = '"><script>alert(1)</script>';
    for (const parameters of [
      { client_id: hostile },
      { client_id: 'nobody', redirect_uri: 'https://evil.example/' },
      { redirect_uri: `https://evil.example/${hostile}` },
      { client_id: hostile, redirect_uri: hostile, state: hostile, scope: hostile },
    ] as Record<string, string>[]) {
      const extra = {
        error_uri: 'https://evil.example/',
        returnTo: 'https://evil.example/',
        continue: '//evil.example',
        error_description: hostile,
      };
      const text = await assertStays(await ask({ ...parameters, ...extra }), JSON.stringify(parameters));
      assert.doesNotMatch(text, /<script>alert/);
      assert.doesNotMatch(text, /href="[^"]*evil\.example/);
    }
    // After both are known the client is told, at its own address.
    const told = await ask({ redirect_uri: registered, scope: 'openid', response_type: 'token' });
    assert.match(
      told.headers.get('location') ?? '',
      /^https:\/\/good\.example\/callback[?#].*error=unsupported_response_type/,
    );
  });
});
