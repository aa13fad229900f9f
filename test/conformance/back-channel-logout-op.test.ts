import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { jwtVerify } from 'jose';
import { ConformanceParty } from '../support/conformance-party.ts';
import { startConformanceService } from '../support/conformance-service.ts';
import type { TestService } from '../support/service.ts';
import { newBrowserOf } from '../support/sign-in.ts';

const afterwards = 'https://rp.example/signed-out';

interface Received {
  readonly method: string | undefined;
  readonly type: string | undefined;
  readonly body: URLSearchParams;
}

describe('oidcc-backchannel-rp-initiated-logout-certification-test-plan', () => {
  let service: TestService;
  let party: ConformanceParty;
  let receiver: Server;
  const received: Received[] = [];
  before(async () => {
    receiver = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        received.push({
          method: request.method,
          type: request.headers['content-type'],
          body: new URLSearchParams(body),
        });
        response.writeHead(200, { 'cache-control': 'no-store' }).end();
      });
    });
    receiver.listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    const { port } = receiver.address() as AddressInfo;
    service = await startConformanceService({ environment: { TWOFOLD_OUTBOUND_ALLOWED: '127.0.0.0/8' } });
    party = await ConformanceParty.register(service, {
      metadata: {
        post_logout_redirect_uris: [afterwards],
        backchannel_logout_uri: `http://127.0.0.1:${port}/backchannel`,
        backchannel_logout_session_required: true,
      },
    });
  });
  after(async () => {
    await service?.close();
    receiver.close();
  });

  test('oidcc-backchannel-logout-discovery-endpoint-verification', async () => {
    const response = await fetch(`${service.issuer}/.well-known/openid-configuration`);
    const metadata = (await response.json()) as Record<string, unknown>;
    assert.equal(metadata['end_session_endpoint'], `${service.issuer}/logout`);
    assert.equal(metadata['backchannel_logout_supported'], true);
    assert.equal(metadata['backchannel_logout_session_supported'], true);
  });

  test('oidcc-backchannel-rp-initiated-logout', async () => {
    const agent = newBrowserOf(service);
    const { idToken, claims: idClaims } = await party.tokensOf(await party.authorize(agent, await service.addPerson()));
    assert.equal(typeof idClaims['sid'], 'string');
    const query = new URLSearchParams({ id_token_hint: idToken, post_logout_redirect_uri: afterwards, state: 'abc' });
    const page = await (await agent.get(`/logout?${query.toString()}`)).text();
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(page)?.[1] ?? '';
    const answer = await agent.post('/logout/confirm', { xsrf, logout: 'yes' });
    assert.equal(answer.headers.get('location'), `${afterwards}?state=abc`);

    while (received.length === 0) await sleep(50);
    const [{ method, type, body } = assert.fail('nothing arrived')] = received;
    assert.equal(method, 'POST');
    assert.match(type ?? '', /^application\/x-www-form-urlencoded/);
    assert.deepEqual([...body.keys()], ['logout_token'], 'no parameter beside it');
    const { payload, protectedHeader } = await jwtVerify(body.get('logout_token') ?? '', party.keys(), {
      issuer: service.issuer,
      audience: party.id,
      // As for ID tokens, and never `none` (section 2.4).
      algorithms: ['RS256'],
    });
    assert.equal(protectedHeader.typ, 'logout+jwt');
    assert.ok(protectedHeader.kid);
    assert.ok(Math.abs(Date.now() / 1000 - (payload.iat ?? 0)) < 60);
    assert.ok(payload.jti);
    assert.ok((payload.exp ?? 0) - (payload.iat ?? 0) <= 120);
    assert.deepEqual(payload['events'], { 'http://schemas.openid.net/event/backchannel-logout': {} });
    assert.equal(payload.sub, idClaims.sub);
    assert.equal(payload['sid'], idClaims['sid']);
    assert.ok(!('nonce' in payload));

    const silent = party.request({ prompt: 'none' });
    const parameters = party.readAnswer(await party.open(agent, silent), silent.get('state'));
    assert.equal(parameters.get('error'), 'login_required');
    await sleep(300);
    assert.equal(received.length, 1, 'told once');
  });
});
