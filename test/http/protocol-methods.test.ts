import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { addProtocolClient } from '../support/protocol-client.ts';
import { startService, type TestService } from '../support/service.ts';
import { UserAgent } from '../support/user-agent.ts';

describe('the methods of protocol endpoints, and whose tokens they end', () => {
  let service: TestService;
  before(async () => {
    service = await startService('embedded');
  });
  after(() => service?.close());

  test('E17 a wrong method is answered with 405 and the right ones', async () => {
    for (const path of ['/par', '/token', '/introspect', '/revoke', '/device/auth']) {
      for (const method of ['GET', 'PUT', 'DELETE']) {
        const answer = await fetch(`${service.issuer}${path}`, { method });
        assert.equal(answer.status, 405, `${method} ${path}`);
        assert.equal(answer.headers.get('allow'), 'POST');
      }
    }
    for (const [method, path, allowed] of [
      ['PUT', '/auth', 'GET, POST'],
      ['DELETE', '/device', 'GET, POST'],
      ['GET', '/logout/confirm', 'POST'],
      ['PUT', '/account', 'GET'],
      ['POST', '/admin', 'GET'],
      ['DELETE', '/interaction/x', 'GET'],
      ['POST', '/what-we-see', 'GET, HEAD'],
    ] as const) {
      const answer = await fetch(`${service.issuer}${path}`, { method, redirect: 'manual' });
      assert.deepEqual([answer.status, answer.headers.get('allow')], [405, allowed], `${method} ${path}`);
    }
    const keys = await fetch(`${service.issuer}/jwks`, { method: 'POST' });
    assert.deepEqual([keys.status, keys.headers.get('allow')], [405, 'GET, HEAD']);
    assert.equal((await fetch(`${service.issuer}/jwks`)).status, 200);
  });

  test('E28 a client cannot revoke what another one was given', async () => {
    const agent = new UserAgent(service.issuer);
    const tokens = await agent.redeem(await agent.signIn(await service.addPerson()));
    const stranger = await addProtocolClient(service);
    await stranger.post('/revoke', { token: tokens.access_token });
    const me = await fetch(`${service.issuer}/me`, { headers: { authorization: `Bearer ${tokens.access_token}` } });
    assert.equal(me.status, 200);
  });
});
